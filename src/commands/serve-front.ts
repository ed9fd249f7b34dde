// `graceful front`: in the foreground until Ctrl-C.
import type { Invocation } from '../cli/invocation.ts';
import { outputTo } from '../cli/output.ts';
import { statePaths } from '../system/state-paths.ts';
import { startFront } from './front.ts';
import type { Surroundings } from './surroundings.ts';

export async function serveFront(
  { listen, globals }: Extract<Invocation, { kind: 'front' }>,
  { configFor, onInterrupt, stdout, stderr }: Surroundings,
): Promise<number> {
  const config = await configFor(globals);
  const { link } = statePaths(config.stateDir, config.name);
  const front = await startFront({
    ...listen,
    socketPath: link,
    onError: (error) => stderr.write(`front: ${error.message}\n`),
  });
  outputTo(stdout).write(
    `front: http://${front.address.address}:${front.address.port}/ -> ${link} (for trying out; in production use nginx)\n`,
  );
  await new Promise<void>((resolve) => {
    const letGo = onInterrupt(() => {
      letGo();
      resolve();
    });
  });
  await front.close();
  return 0;
}
