// `graceful setup systemd`: units of this app alone, verified by systemd before they are installed.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../core/failure.ts';
import { type AppFacts, asRoot, notFound } from './app-facts.ts';
import { assertOurs, install, stamped, uninstall, writeNew } from './files.ts';
import { markOf } from './mark.ts';
import { runTool } from './programs.ts';
import type { SetupOptions, SetupReport } from './report.ts';
import { systemdUnits, type Unit } from './systemd-units.ts';

export async function setupSystemd(facts: AppFacts, options: SetupOptions): Promise<SetupReport> {
  const { action, force, user, mode, enable } = options;
  const dir = options.to ?? (user ? join(configHome(facts.env), 'systemd/user') : '/etc/systemd/system');
  const by = `graceful setup systemd${user ? ' --user' : ''} --mode ${mode}`;
  const units = systemdUnits(facts, { mode, user });
  const files = units.map(({ name, text }) => ({ path: join(dir, name), text: stamped(markOf(facts), by, text) }));
  const enabled = namesToEnable(units);
  const report = { target: 'systemd', files } as const;
  const whose = { configFile: facts.configFile, force };
  const systemctl = new Systemctl(facts, user, options.to === null);
  const root = user ? [] : asRoot(facts, `make ${facts.config.stateDir} for another user, and do this again.`);
  const warning = [...root, ...notFound(facts)];
  if (action === 'print')
    return {
      ...report,
      action: 'printed',
      did: [],
      next: [`--write puts ${files.length === 1 ? 'it' : 'them'} into ${dir} and has systemd check it.`, ...warning],
    };
  if (action === 'remove') {
    const there = unitsThere(facts, dir, by, user);
    // Before anything is stopped for it.
    for (const { file } of there) assertOurs(file, whose, 'removes');
    if (there.length > 0) await systemctl.run('disable', '--now', ...namesToEnable(there.map(({ unit }) => unit)));
    for (const { file } of there) uninstall(file, whose);
    if (there.length > 0) await systemctl.run('daemon-reload');
    const done = there.length > 0 ? 'removed' : 'absent';
    return { ...report, files: there.map(({ file }) => file), action: done, did: systemctl.did, next: systemctl.left };
  }
  await verify(files, facts, user);
  const undos: (() => void)[] = [];
  try {
    for (const file of files) undos.push(...[install(file, whose)].filter((undo) => undo !== null));
  } catch (error) {
    for (const undo of undos) undo();
    throw error;
  }
  if (undos.length > 0) await systemctl.run('daemon-reload');
  if (enable) await systemctl.run('enable', '--now', ...enabled);
  return {
    ...report,
    action: undos.length === 0 ? 'unchanged' : 'written',
    did: ['systemd-analyze verify: nothing to complain about', ...systemctl.did],
    next: [
      ...systemctl.left,
      ...(enable || undos.length === 0
        ? []
        : [
            `\`systemctl ${user ? '--user ' : ''}enable --now ${enabled.join(' ')}\` starts it (--enable does that too).`,
          ]),
      ...warning,
      ...(user ? [`\`loginctl enable-linger ${facts.user}\` lets it run while you are not logged in.`] : []),
    ],
  };
}

/** Of a service that a timer calls, the timer is enabled and not the service. */
const namesToEnable = (units: readonly Unit[]): readonly string[] => {
  const timers = units.map(({ name }) => name).filter((name) => name.endsWith('.timer'));
  const called = new Set(timers.map((name) => name.replace(/\.timer$/, '.service')));
  return units.map(({ name }) => name).filter((name) => !called.has(name));
};

/** In whichever mode they were written. */
function unitsThere(facts: AppFacts, dir: string, by: string, user: boolean) {
  return (['supervisor', 'timers'] as const)
    .flatMap((mode) => systemdUnits(facts, { mode, user }))
    .map((unit) => ({ unit, file: { path: join(dir, unit.name), text: stamped(markOf(facts), by, unit.text) } }))
    .filter(({ file }) => existsSync(file.path));
}

const configHome = (env: NodeJS.ProcessEnv): string =>
  env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? '/root', '.config');

/** systemctl where systemd runs and reads these files; elsewhere a list of what would have to be typed. */
class Systemctl {
  readonly did: string[] = [];
  readonly left: string[] = [];
  readonly #facts: AppFacts;
  readonly #user: readonly string[];
  readonly #isThere: boolean;

  constructor(facts: AppFacts, user: boolean, isUsualPlace: boolean) {
    this.#facts = facts;
    this.#user = user ? ['--user'] : [];
    // sd_booted(3)
    this.#isThere = isUsualPlace && existsSync('/run/systemd/system');
  }

  async run(...args: readonly string[]): Promise<void> {
    const typed = ['systemctl', ...this.#user, ...args].join(' ');
    if (!this.#isThere) {
      this.left.push(`systemd does not run here, so this is left to do: \`${typed}\``);
      return;
    }
    const { exitCode, lines } = await runTool('systemctl', [...this.#user, ...args], { env: this.#facts.env });
    if (exitCode === 0) this.did.push(typed);
    else this.left.push(`\`${typed}\` failed: ${lines.at(-1) ?? `exit code ${exitCode}`}`);
  }
}

/** @throws `setup-failed` with what systemd says about these files; what it says about others of the machine is not our business. */
async function verify(
  files: readonly { readonly path: string; readonly text: string }[],
  facts: AppFacts,
  user: boolean,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'graceful-'));
  try {
    const paths = files.map(({ path }) => join(dir, path.split('/').at(-1) ?? ''));
    for (const [index, path] of paths.entries()) writeNew(path, files[index]?.text ?? '', 0o644);
    const args = ['verify', '--man=no', ...(user ? ['--user'] : []), ...paths];
    const { lines } = await runTool('systemd-analyze', args, {
      env: { ...facts.env, SYSTEMD_UNIT_PATH: `${dir}:`, XDG_RUNTIME_DIR: facts.env['XDG_RUNTIME_DIR'] ?? dir },
    });
    const ours = lines.filter((line) => paths.some((path) => line.includes(path.split('/').at(-1) ?? path)));
    if (ours.length > 0)
      throw fail('setup-failed', 'systemd does not take it', {
        path: null,
        output: ours.map((line) => line.replaceAll(`${dir}/`, '')),
        hint: null,
      });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
