// `graceful setup nginx`: a file of its own, checked by nginx -t with all the others, and taken back if that fails.

import { existsSync, readFileSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fail } from '../core/failure.ts';
import { removeFile } from '../system/atomic-file.ts';
import type { AppFacts } from './app-facts.ts';
import { attempt, install, type SetupFile, stamped, type Undo, uninstall } from './files.ts';
import { markOf } from './mark.ts';
import { nginxText, variantFor } from './nginx-text.ts';
import { type Ran, runTool } from './programs.ts';
import type { SetupOptions, SetupReport } from './report.ts';

export async function setupNginx(facts: AppFacts, options: SetupOptions): Promise<SetupReport> {
  const { action, force, variant, serverName, listen } = options;
  refuseQuoting(facts);
  const address = { serverName: serverName ?? '_', listen: listen ?? '80' };
  const body = nginxText(facts, variant ?? variantFor(facts), address);
  const conf = action === 'print' ? ETC_NGINX : await standingConfiguration(facts, action);
  const place = placeFor(options.to, dirname(conf), `graceful-${facts.name}.conf`);
  const file = { path: place.file, text: stamped(markOf(facts), 'graceful setup nginx', body) };
  const report = { target: 'nginx', files: [file] } as const;
  const next = action === 'remove' ? [] : [...othersFirst(dirname(conf), options)];
  if (action === 'print')
    return {
      ...report,
      action: 'printed',
      did: [],
      next: [`--write puts it into ${file.path} and has nginx check it.`, ...next],
    };
  const whose = { configFile: facts.configFile, force };
  const change = action === 'write' ? put(file, place.link, whose) : take(file, place.link, whose);
  if (change === null) {
    if (action !== 'write') return { ...report, action: 'absent', did: [], next };
    // It is there, and whether nginx has read it since is not known.
    const { did, next: more } = options.reload ? await reloaded(facts, true) : { did: [], next: [] };
    return { ...report, action: 'unchanged', did, next: [...more, ...next] };
  }
  const checked = await runTool('nginx', ['-T'], { env: facts.env });
  if (checked.exitCode !== 0) {
    change();
    throw fail('setup-failed', `nginx does not take ${file.path}, so the change was taken back`, {
      path: file.path,
      output: complaints(checked),
      hint: null,
    });
  }
  const included = checked.stdout.includes(`\n# configuration file ${place.link ?? file.path}:`);
  const reload = await reloaded(facts, options.reload);
  return {
    ...report,
    action: action === 'write' ? 'written' : 'removed',
    did: ['nginx -t: the configuration is right', ...reload.did],
    next: [
      ...(action === 'write' && !included
        ? [`${conf} does not include ${file.path}: add an include of it to its http block.`]
        : []),
      ...reload.next,
      ...next,
    ],
  };
}

const ETC_NGINX = '/etc/nginx/nginx.conf';

/** Where nginx's own file is. @throws `setup-failed` if it is wrong already: then it could not be said whose mistake it is. */
async function standingConfiguration({ env }: AppFacts, action: SetupOptions['action']): Promise<string> {
  const standing = await runTool('nginx', ['-t'], { env });
  const conf = /configuration file (\S+) /.exec(standing.lines.join('\n'))?.[1] ?? ETC_NGINX;
  if (standing.exitCode !== 0 && action === 'write')
    throw fail('setup-failed', 'nginx -t fails already, without anything of this app', {
      path: conf,
      output: complaints(standing),
      hint: standing.lines.some((line) => line.includes('Permission denied'))
        ? 'run it with sudo'
        : 'put that right first',
    });
  return conf;
}

const complaints = ({ lines }: Ran): readonly string[] =>
  lines.filter((line) => /\[(?:emerg|alert|crit|error|warn)\]|failed/.test(line));

/** Debian keeps files apart from the links that switch them on; elsewhere there is conf.d only. */
function placeFor(
  to: string | null,
  root: string,
  name: string,
): { readonly file: string; readonly link: string | null } {
  if (to !== null) return { file: to, link: null };
  const [available, enabled] = [join(root, 'sites-available'), join(root, 'sites-enabled')];
  if (existsSync(available) && existsSync(enabled)) return { file: join(available, name), link: join(enabled, name) };
  return { file: join(root, 'conf.d', name), link: null };
}

type Whose = Parameters<typeof install>[1];

function put(file: SetupFile, link: string | null, whose: Whose): Undo | null {
  const undo = install(file, whose);
  if (link === null || existsSync(link)) return undo;
  try {
    attempt(link, () => symlinkSync(file.path, link));
  } catch (error) {
    undo?.();
    throw error;
  }
  return () => {
    removeFile(link);
    undo?.();
  };
}

function take(file: SetupFile, link: string | null, whose: Whose): Undo | null {
  const undo = uninstall(file, whose);
  if (link === null || linkTarget(link) !== file.path) return undo;
  attempt(link, () => unlinkSync(link));
  return () => {
    undo?.();
    symlinkSync(file.path, link);
  };
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // ENOENT, EINVAL: a file instead of a link
  }
}

async function reloaded({ env }: AppFacts, wanted: boolean) {
  if (!wanted) return { did: [], next: ['`nginx -s reload` makes nginx use it (--reload does that too).'] };
  const { exitCode, lines } = await runTool('nginx', ['-s', 'reload'], { env });
  if (exitCode === 0) return { did: ['nginx -s reload: nginx uses it now'], next: [] };
  return { did: [], next: [`nginx was not reloaded, it does not seem to run: ${lines.at(-1) ?? ''}`] };
}

/** Without a name of its own, the app gets only what no other server takes. */
function othersFirst(root: string, { serverName, listen }: SetupOptions): readonly string[] {
  const welcome = join(root, 'sites-enabled/default');
  const isFirst = existsSync(welcome) && /^\s*listen [^;]*default_server/m.test(readFileSync(welcome, 'utf8'));
  if (serverName !== null || listen !== null || !isFirst) return [];
  return [
    `${basename(welcome)} in ${dirname(welcome)} answers on port 80 for every name: give --server-name NAME, or remove it.`,
  ];
}

/** nginx has no way to write these in the path of a socket. */
function refuseQuoting({ link }: AppFacts): void {
  if (/[\s;{}"'$:]/.test(link))
    throw fail('setup-failed', `nginx cannot name the link ${link}`, {
      path: link,
      output: [],
      hint: 'choose a stateDir without blanks, quotes, colons and dollars',
    });
}
