// A health check by a program of the user's: exit code 0 is healthy.
import { backendEnvironment } from '../../config/environment.ts';
import { type PlaceholderValues, replacePlaceholders } from '../../config/placeholders.ts';
import type { Config } from '../../core/config.ts';
import { GracefulError } from '../../core/failure.ts';
import { environmentOf } from '../processes/environment.ts';
import { runProgram } from '../program.ts';
import type { Finding, ProbeTarget } from './finding.ts';

export async function probeExec(
  config: Config,
  command: readonly string[],
  target: ProbeTarget,
  stop: AbortSignal,
): Promise<Finding> {
  const values = { socket: target.socketPath, slot: target.slot, name: config.name, stateDir: config.stateDir };
  const argv = command.map((argument) => replacePlaceholders(argument, values));
  const env = await environmentFor(config, values, target.pid);
  if (env instanceof Error) return { ok: false, detail: env.message };
  const end = await runProgram({
    argv,
    cwd: config.cwd,
    env,
    slot: target.slot,
    socketPath: target.realSocketPath,
    stop,
    graceMs: 500,
  });
  const lastLine = end.output.at(-1) ?? '';
  const said = lastLine === '' ? '' : `: ${lastLine}`;
  if (end.startError !== null) return { ok: false, detail: end.startError };
  if (end.wasStopped) return { ok: false, detail: `${argv[0]} still running${said}` };
  if (end.signal !== null) return { ok: false, detail: `killed by ${end.signal}${said}` };
  return { ok: end.exitCode === 0, detail: `exit ${end.exitCode}${said}` };
}

/** Where a deploy has taken an envFile away, the one that the backend runs with: it is not sick for that. */
async function environmentFor(config: Config, values: PlaceholderValues, pid: number) {
  try {
    return await backendEnvironment(config, values, process.env);
  } catch (error) {
    const own = environmentOf(pid);
    return own === null ? GracefulError.from(error) : await backendEnvironment({ ...config, envFile: [] }, values, own);
  }
}
