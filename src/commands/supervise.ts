// `graceful run`: under an init of its own where it would be PID 1, and only then with all that a supervisor needs.
import type { Invocation } from '../cli/invocation.ts';
import { runUnderInit } from '../system/init.ts';
import type { Surroundings } from './surroundings.ts';

export async function supervise(
  { configs, metricsListen, globals }: Extract<Invocation, { kind: 'run' }>,
  { argv, env, read, stdout, stderr }: Surroundings,
): Promise<number> {
  const exitCode = await runUnderInit(argv, (what) => stderr.write(`graceful: ${what}\n`));
  if (exitCode !== null) return exitCode;
  const load = (file: string | null) => read(file, globals);
  const files = configs.length === 0 ? [null] : configs;
  const { run } = await import('./run.ts');
  await run({
    configs: await Promise.all(files.map(load)),
    reread: ({ file }) => load(file),
    metricsListen,
    json: globals.json,
    env,
    stdout,
    stderr,
  });
  return 0;
}
