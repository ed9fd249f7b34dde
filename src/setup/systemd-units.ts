// The units of systemd/, which are templates for an app whose paths follow from its name, made into units of this app alone.
import { type AppFacts, olderThan } from './app-facts.ts';
import { replaced, template } from './templates.ts';

export interface UnitOptions {
  readonly mode: 'supervisor' | 'timers';
  /** For the user's own manager. */
  readonly user: boolean;
}

export interface Unit {
  readonly name: string;
  readonly text: string;
}

export function systemdUnits(facts: AppFacts, { mode, user }: UnitOptions): readonly Unit[] {
  if (mode === 'supervisor') {
    const name = `graceful-${facts.name}.service`;
    return [{ name, text: supervisorUnit(facts, user) }];
  }
  return (['keepalive', 'stop-inactive'] as const).flatMap((what) => {
    const args = what === 'keepalive' ? ['keepalive'] : ['stop', '--inactive', '--older-than', olderThan(facts)];
    const text = service(template(`systemd/graceful-${what}@.service`), facts, user);
    return [
      {
        name: `graceful-${facts.name}-${what}.service`,
        text: withSeconds(withExec(text, 'ExecStart', facts, args), facts),
      },
      {
        name: `graceful-${facts.name}-${what}.timer`,
        text: described(template(`systemd/graceful-${what}@.timer`), facts),
      },
    ];
  });
}

function supervisorUnit(facts: AppFacts, user: boolean): string {
  let text = service(template('systemd/graceful@.service').replace(/^(?:#[^\n]*\n)+\n/, ''), facts, user);
  text = withExec(withExec(text, 'ExecStart', facts, ['run']), 'ExecReload', facts, ['update']);
  text = withSeconds(text, facts);
  if (!user) return text;
  // What a user's manager may not do, or has no such target for.
  text = replaced(text, /\n# Hardening[\s\S]*?(?=\n\[Install\])/, '\nNoNewPrivileges=yes\n');
  return replaced(replaced(text, 'After=network.target\n', ''), 'multi-user.target', 'default.target');
}

/** What every service of ours says about user, environment and state dir. */
function service(text: string, facts: AppFacts, user: boolean): string {
  const { config } = facts;
  const runtime = /^\/run\/([\w.-]+)$/.exec(config.stateDir)?.[1];
  // systemd gives the RuntimeDirectory to User= and Group=, at every start again: nginx's group has to be that one.
  const groupKey = runtime === undefined ? 'SupplementaryGroups' : 'Group';
  const who = [
    ...(user ? [] : [`User=${facts.user}`]),
    ...(user || config.socketGroup === null ? [] : [`${groupKey}=${config.socketGroup}`]),
  ];
  let result = replaced(described(text, facts), /^User=%i\nGroup=www-data\n/m, who.map((line) => `${line}\n`).join(''));
  if (runtime === undefined || user)
    result = replaced(result, /^(?:# Kept over a restart[^\n]*\n)?(?:RuntimeDirectory\w*=[^\n]*\n)+/m, '');
  else result = replaced(result, 'RuntimeDirectory=%i', `RuntimeDirectory=${runtime}`);
  const environment = `Environment=${quoted(`PATH=${facts.path}`)}`;
  return replaced(result, 'Environment=GRACEFUL_STATEDIR=/run/%i', environment);
}

const described = (text: string, { name }: AppFacts): string =>
  text
    .replace(/^# `systemctl enable[^\n]*\n/m, '')
    .replace(/; called by [^\n]*/, '.')
    .replace(/, called by [^\n]*/, '.')
    .replaceAll('graceful@shop', `graceful-${name}`)
    .replace('Description=graceful: %i', `Description=graceful: ${name}`)
    .replace(/^(Description=[^\n]*)%i/m, (_, before: string) => `${before}${name}`);

const withExec = (text: string, key: string, facts: AppFacts, args: readonly string[]): string =>
  replaced(text, new RegExp(`^${key}=[^\\n]*`, 'm'), `${key}=${[...facts.graceful, ...args].map(quoted).join(' ')}`);

/** systemd.service(5): % begins a specifier, $ a variable. */
const quoted = (word: string): string => {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(literal) ? literal : `"${literal.replace(/["\\]/g, '\\$&')}"`;
};

/** The default of --wait, for another operation. */
const WAIT_MS = 60_000;

/**
 * systemd has to be more patient than the app's own limits: TimeoutStartSec= holds for ExecReload=, too, which is an update with
 * all that it waits for. systemd.service(5)
 */
function withSeconds(text: string, { config }: AppFacts): string {
  const { hooks, hookTimeoutMs, release } = config;
  const hooksMs = [hooks.beforeStart, hooks.afterSwitch].filter((hook) => hook !== null).length * hookTimeoutMs;
  const startMs = config.startTimeoutMs + config.drainTimeoutMs + config.stopTimeoutMs + hooksMs;
  const start = Math.ceil((startMs + (release?.timeoutMs ?? 0) + WAIT_MS) / 1000) + 30;
  const stop = Math.ceil((config.drainTimeoutMs + config.stopTimeoutMs) / 1000) + 30;
  return text
    .replace(/^TimeoutStartSec=.*$/m, `TimeoutStartSec=${start}`)
    .replace(/^TimeoutStopSec=.*$/m, `TimeoutStopSec=${stop}`)
    .replace(
      /^(# drainTimeout \+ stopTimeout)[^\n]*$/m,
      '$1 of the app, and some: after that systemd kills the supervisor.',
    );
}
