// Whether nginx passes requests to the link, as its whole configuration says (`nginx -T`).
import type { DoctorContext } from '../doctor.ts';
import { error, note, ok, type Remark, warning } from '../finding.ts';
import { allOf, placeOf } from '../nginx/parse.ts';
import { passesTo } from '../nginx/passes.ts';

export function nginxConfig({ config, nginx, system }: DoctorContext): readonly Remark[] {
  const { link } = system.paths;
  if (nginx.binary === null) return [note(`no nginx on this machine: whatever serves here has to connect to ${link}`)];
  if (nginx.problem?.kind === 'not-allowed')
    return [note('the configuration of nginx cannot be read by this user', 'run `graceful doctor` as root')];
  if (nginx.directives === null)
    return [error(`nginx refuses its configuration: ${firstLine(nginx.problem?.output)}`, 'nginx -t')];

  const passes = passesTo(system.paths, nginx.directives);
  const past = passes.filter(({ leadsTo }) => leadsTo === 'slot');
  if (past.length > 0)
    return past.map(({ directive, path }) =>
      error(`${placeOf(directive)}: ${path} is one slot: updates will not move its traffic`, `pass to ${link} instead`),
    );
  if (passes.length === 0) {
    const variable = [...allOf(nginx.directives)].find(
      ({ name, args }) => name.endsWith('_pass') && /\$/.test(args[0] ?? ''),
    );
    if (variable !== undefined)
      return [note(`${placeOf(variable)}: ${variable.args[0]} is decided per request; nothing else leads to ${link}`)];
    return [
      error(
        `nothing in the configuration of nginx leads to ${link}`,
        '`graceful setup nginx` prints what to put there',
      ),
    ];
  }
  const places = [...new Set(passes.map(({ directive }) => placeOf(directive)))];
  const found = ok(`nginx passes to the link: ${places.join(', ')}`);
  if (nginx.masterPid !== null) return [found];
  return [found, warning(`nginx is not running with this configuration for ${config.name}`, 'systemctl start nginx')];
}

const firstLine = (text = ''): string =>
  text
    .split('\n')
    .find((line) => line.includes('[emerg]'))
    ?.replace(/^.*\[emerg\]\s*/, '') ??
  text.split('\n')[0] ??
  '';
