// A health check by a program of the user's: exit code 0 is healthy.
import { execa } from 'execa';
import { backendEnvironment } from '../../config/environment.ts';
import { replacePlaceholders } from '../../config/placeholders.ts';
import type { Config } from '../../core/config.ts';
import type { Finding, ProbeTarget } from './probe.ts';

export async function probeExec(
  config: Config,
  command: readonly string[],
  target: ProbeTarget,
  stop: AbortSignal,
): Promise<Finding> {
  const values = { socket: target.socketPath, slot: target.slot, name: config.name, stateDir: config.stateDir };
  const [file = '', ...args] = command.map((argument) => replacePlaceholders(argument, values));
  const result = await execa(file, args, {
    cwd: config.cwd,
    env: await backendEnvironment(config, values, process.env),
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    cancelSignal: stop,
    forceKillAfterDelay: 500,
    maxBuffer: 64 * 1024,
  });
  const lastLine = result.all?.trim().split('\n').at(-1) ?? '';
  const said = lastLine === '' ? '' : `: ${lastLine}`;
  if (!result.failed) return { ok: true, detail: `exit 0${said}` };
  if (result.isCanceled) return { ok: false, detail: `${file} still running` };
  if (result.exitCode !== undefined) return { ok: false, detail: `exit ${result.exitCode}${said}` };
  return {
    ok: false,
    detail:
      result.signal === undefined
        ? (result.originalMessage ?? 'it could not be started')
        : `killed by ${result.signal}${said}`,
  };
}
