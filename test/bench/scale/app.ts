// The app of the scale measurements: a backend that is ready at once, so that what is measured is graceful.
import { lutimesSync, writeFileSync } from 'node:fs';
import { createGraceful } from '../../../src/index.ts';
import { inRepo } from '../../rig/paths.ts';
import { need } from '../../rig/requirements.ts';
import { BIN } from '../../rig/test-app.ts';
import { createWorkplace, type Workplace } from '../peers/peer.ts';

export interface ScaleApp extends AsyncDisposable {
  readonly place: Workplace;
  /** The link. */
  readonly link: string;
  argv(...args: readonly string[]): readonly string[];
  update(): Promise<number>;
  /** So many updates by the programming interface, in this process: the start of a command each time is no update's. */
  grow(updates: number): Promise<void>;
  /** As if the last switch had been a while ago: an update within a quarter of a second waits for late connects first. */
  age(): void;
}

export async function createScaleApp(): Promise<ScaleApp> {
  const place = await createWorkplace('close', 'fast');
  writeFileSync(
    place.file('graceful.config.json'),
    JSON.stringify({
      // -I and -S: it starts sooner.
      command: [need('python3'), '-IS', inRepo('test/bench/apps/idle.py')],
      env: place.appEnv,
      stateDir: 'run',
      drainTimeout: '60s',
    }),
  );
  const argv = (...args: readonly string[]): readonly string[] => [process.execPath, BIN, ...args];
  const age = (): void => {
    const then = Date.now() / 1000 - 10;
    lutimesSync(place.file('run/app.socket'), then, then);
  };
  return {
    place,
    link: place.file('run/app.socket'),
    argv,
    age,
    async update() {
      const { code, ms, output } = await place.run(argv('update', '--quiet'));
      if (code !== 0) throw new Error(output);
      return ms;
    },
    async grow(updates) {
      const app = await createGraceful({ config: place.file('graceful.config.json') });
      for (let update = 0; update < updates; update += 1) {
        await app.update();
        age();
      }
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}
