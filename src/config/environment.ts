// The environment that a backend, a hook or an exec probe runs in.
import { readFile } from 'node:fs/promises';
import type { Config } from '../core/config.ts';
import { type PlaceholderValues, replacePlaceholders } from './placeholders.ts';
import { configFailure } from './problems.ts';

/**
 * The caller's environment, then the dotenv files in order, then `env`, then what identifies the slot; what comes later is
 * stronger. The files are read afresh at each call. Fails with `config` if one of them cannot be read.
 */
export async function backendEnvironment(
  config: Config,
  values: PlaceholderValues,
  base: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  return {
    ...(await appEnvironment(config, base, (text) => replacePlaceholders(text, values))),
    GRACEFUL_SOCKET: values.socket,
    GRACEFUL_SLOT: values.slot,
    GRACEFUL_NAME: values.name,
  };
}

/** The same for what belongs to no slot yet. */
export async function appEnvironment(
  config: Config,
  base: NodeJS.ProcessEnv,
  replace: (text: string) => string = (text) => text,
): Promise<Record<string, string>> {
  const environment = new Map<string, string>();
  for (const [key, value] of Object.entries(base)) {
    if (value !== undefined && !OF_THE_MANAGER.has(key)) environment.set(key, value);
  }
  // A backend that is redirected has called graceful: what was given to it is not for the next one, nor for a hook.
  const { GRACEFUL_REDIRECT: redirect, NODE_OPTIONS: nodeOptions } = base;
  if (redirect && nodeOptions?.startsWith(redirect))
    environment.set('NODE_OPTIONS', nodeOptions.slice(redirect.length).trimStart());
  for (const path of config.envFile) {
    for (const [key, value] of Object.entries(await readEnvFile(path, config.file))) environment.set(key, value);
  }
  for (const [key, value] of Object.entries(config.env)) {
    if (value === null) environment.delete(key);
    else environment.set(key, replace(value));
  }
  return Object.fromEntries(environment);
}

/**
 * What speaks to the manager and would mislead a backend. With the manager's NOTIFY_SOCKET, its READY=1 and MAINPID= would
 * count as the manager's (sd_notify(3)); LISTEN_FDS and WATCHDOG_USEC promise sockets and a watchdog that it does not have
 * (sd_listen_fds(3), sd_watchdog_enabled(3)); and a `graceful` that the app itself calls has a configuration of its own.
 * By full names: LISTEN_PORT or LISTEN_ADDR belong to the app.
 */
const OF_THE_MANAGER: ReadonlySet<string> = new Set([
  'GRACEFUL_CONFIG',
  'GRACEFUL_STATEDIR',
  'GRACEFUL_REDIRECT',
  'NOTIFY_SOCKET',
  'GRACEFUL_WORKER',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'LISTEN_PID',
  'LISTEN_PIDFDID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
]);

async function readEnvFile(path: string, file: string | null): Promise<Record<string, string>> {
  const [{ parse }, content] = await Promise.all([
    import('dotenv'),
    readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      const found = cause.code === 'ENOENT' ? `no file at ${path}` : `${path}, which cannot be read (${cause.code})`;
      throw configFailure(file, [{ key: 'envFile', found, expected: 'a dotenv file that this user may read' }], cause);
    }),
  ]);
  return parse(content);
}
