// A new user's day, with the real nginx, cron and git on a machine of his own: from `npm install -g` to a deploy by `git pull`, one
// that fails, the way back, and a night in which the app dies. wrk looks on, and not one request may be lost.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { HistoryEntry } from '../../src/core/history.ts';
import { assertNothingLost } from '../load/under-load.ts';
import { startLoad } from '../rig/load.ts';
import { skipUnless } from '../rig/requirements.ts';
import { until } from '../rig/until.ts';
import { createMachine, type Machine } from './machine.ts';
import { type Installed, installGraceful } from './site.ts';

/** Echoes what is POSTed, says its version, and knows nothing of signals and of graceful. */
const SERVER = `const version = require('./version.js');
require('node:http')
  .createServer((request, response) => {
    response.setHeader('X-Version', version);
    if (request.method === 'POST') request.pipe(response);
    else response.end(version);
  })
  .listen(process.env.PORT, () => console.log('version', version, 'is listening'));
`;

const BROKEN = `console.error('Connecting to the database');
throw new Error('relation "orders" has no column "total"');
`;

const PACKAGE = { name: 'shop', private: true, scripts: { start: 'node server.js' } };

const ECOSYSTEM = `module.exports = {
  apps: [{ name: 'shop', script: './server.js', instances: 2, exec_mode: 'cluster', env: { PORT: 3000 }, kill_timeout: 5000 }],
};
`;

let installed: Installed;
before(async () => {
  installed = await installGraceful();
});
after(() => installed[Symbol.asyncDispose]());

describe('a new user', {
  skip: skipUnless('nginx', 'wrk', 'cron', 'git', 'unshare', 'setpriv') || (process.geteuid?.() !== 0 && 'needs root'),
  timeout: 900_000,
}, () => {
  it('with a Node app in git: set up, deployed by pull and by push, rolled back, repaired by cron; not one request is lost', async () => {
    await using machine = await createMachine(installed);
    const repository = await createRepository(machine, {
      'package.json': JSON.stringify(PACKAGE),
      'server.js': SERVER,
      '.gitignore': 'var/\n',
    });
    const said = await machine.succeed('graceful init --yes --health-path /', { in: repository.shop });
    assert.match(said, /wrote .*\/shop\/graceful\.config\.yaml/);
    await liveThroughTheDay(machine, repository);
    await liveThroughTheNight(machine, repository);
  });

  it("with pm2's ecosystem file: the same day, and the same night", async () => {
    await using machine = await createMachine(installed);
    const repository = await createRepository(machine, {
      'ecosystem.config.cjs': ECOSYSTEM,
      'server.js': SERVER,
      '.gitignore': 'var/\n',
    });
    const said = await machine.succeed('graceful init --yes --health-path /', { in: repository.shop });
    assert.match(
      said,
      /Not carried over from ecosystem\.config\.cjs:[\s\S]*instances: 2[\s\S]*wrote .*graceful\.config\.yaml/,
    );
    await liveThroughTheDay(machine, repository);
    await liveThroughTheNight(machine, repository);
  });
});

/** What starts what, as the history tells it; the rest is typed. */
const VIA: Readonly<Partial<Record<HistoryEntry['operation'], string>>> = { update: 'git', keepalive: 'cron' };

interface Repository {
  /** The checkout on the server. */
  readonly shop: string;
  /** Commits a version, by the developer. */
  commit(version: string, code?: string): Promise<void>;
  /** The same, and pushes it to where the server pulls from. */
  publish(version: string, code?: string): Promise<void>;
}

/** A bare repository, the developer's clone of it, and the server's; the first version is in it. */
async function createRepository(machine: Machine, files: Readonly<Record<string, string>>): Promise<Repository> {
  await machine.succeed('git init -q --bare origin.git && git clone -q origin.git dev 2>&1');
  const dev = join(machine.home, 'dev');
  const commit = async (version: string, code = `module.exports = '${version}';\n`): Promise<void> => {
    await writeFile(join(dev, 'version.js'), code);
    await machine.succeed(`git add -A && git commit -qm 'version ${version}'`, { in: dev });
  };
  const publish = async (version: string, code?: string): Promise<void> => {
    await commit(version, code);
    await machine.succeed('git push -q origin HEAD:main', { in: dev });
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(dev, name), content);
  await publish('1');
  await machine.succeed('git clone -q origin.git shop');
  return { shop: join(machine.home, 'shop'), commit, publish };
}

async function liveThroughTheDay(machine: Machine, { shop, commit, publish }: Repository): Promise<void> {
  const here = { in: shop };
  const asRoot = { in: shop, as: 'root' } as const;
  const served = (): Promise<string> => fetch(`http://127.0.0.1:${machine.port}/`).then((response) => response.text());

  /** Does it while wrk POSTs through nginx, and returns what was said: nothing may be lost. */
  const underLoad = async <T>(work: () => Promise<T>): Promise<T> => {
    const load = startLoad({ port: machine.port, connections: 8 });
    let done: T;
    try {
      await load.flowing;
      done = await work();
    } catch (error) {
      await load.stop();
      throw error;
    }
    assertNothingLost(await load.stop(), machine);
    return done;
  };

  // The wiring
  await machine.boot();
  const nginx = `graceful setup nginx --listen 127.0.0.1:${machine.port} --server-name localhost --write --reload`;
  assert.match(await machine.succeed(nginx, asRoot), /nginx -t: the configuration is right\nnginx -s reload/);
  assert.match(await machine.succeed('graceful setup crontab --write', here), /put it into the crontab of deploy/);
  assert.match(await machine.succeed('graceful setup git-hook --write', here), /wrote .*\/post-merge/);
  await machine.succeed('graceful start', here);
  await until('nginx serves the app', async () => (await served().catch(() => '')) === '1');
  for (const options of [here, asRoot]) {
    const doctor = await machine.type('graceful doctor --strict', options);
    assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
    assert.match(doctor.stdout, /All well: \d+ checks passed/);
  }

  // A deploy
  await publish('2');
  assert.match(
    await underLoad(() => machine.succeed('git pull 2>&1', here)),
    /b: active now, traffic moved here from a[\s\S]*b serves release \w+ after .*; a stays warm: `graceful rollback` goes back/,
  );
  assert.equal(await served(), '2');

  // One that fails: what it says is all that a tired person has.
  await publish('3', BROKEN);
  const broken = await underLoad(() => machine.succeed('git pull 2>&1', here));
  for (const sentence of [
    /graceful: a: the backend exited with code 1 after .*, before it was ready/,
    /Last lines of .*\/var\/run\/shop-a\.log:/,
    /\| Connecting to the database/,
    /\| Error: relation "orders" has no column "total"/,
    /Traffic is where it was\./,
    /Find the reason in the log, then run the command again\./,
    /graceful: the code is here, but it is not in service \(exit code 1\)\./,
  ])
    assert.match(broken, sentence);
  assert.equal(await served(), '2');

  // The next one is good, but nobody likes it.
  await publish('4');
  await underLoad(() => machine.succeed('git pull 2>&1', here));
  assert.equal(await served(), '4');
  const back = await underLoad(() => machine.succeed('graceful rollback', here));
  assert.match(back, /b: active now, traffic moved here from a[\s\S]*b serves release \w+ again after/);
  assert.equal(await served(), '2');

  // What happened today?
  const history = (await machine.succeed('graceful history --json', here))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as HistoryEntry);
  // If a minute began between the crontab and the start, cron was faster.
  const first = history[0]?.operation === 'keepalive' ? 'keepalive' : 'start';
  assert.deepEqual(
    history.map(({ operation, result, from, to }) => [operation, result, from, to]),
    [
      [first, 'done', null, 'a'],
      ['update', 'done', 'a', 'b'],
      ['update', 'failed', 'b', 'b'],
      ['update', 'done', 'b', 'a'],
      ['rollback', 'done', 'a', 'b'],
    ],
  );
  assert.deepEqual(
    history.map(({ by: { user, via } }) => [user, via]),
    history.map(({ operation }) => ['deploy', VIA[operation] ?? null]),
  );
  assert.match(await machine.succeed('graceful history', here), /update +failed +b .* before it was ready/);

  // By push, to the checkout itself
  assert.match(
    await machine.succeed('graceful setup git-hook --kind post-receive --write', here),
    /wrote .*\/post-receive/,
  );
  await commit('5');
  const dev = { in: join(machine.home, 'dev') };
  assert.match(
    await underLoad(() => machine.succeed(`git push ${shop} HEAD:main 2>&1`, dev)),
    /remote: a: active now, traffic moved here from b/,
  );
  assert.equal(await served(), '5');
}

/** At night, both backends die at once; a busy cron may miss a minute, it does not miss two. */
async function liveThroughTheNight(machine: Machine, { shop }: Repository): Promise<void> {
  const here = { in: shop };
  const served = (): Promise<string> => fetch(`http://127.0.0.1:${machine.port}/`).then((response) => response.text());
  await machine.succeed('kill -9 $(cat var/run/shop-a.pid var/run/shop-b.pid)', here);
  await until('cron has brought it back', async () => (await served().catch(() => '')) === '5', 150_000);
  // What an operation did is written down once it is over, and it served before that.
  const last = await until('that is in the history', async () => {
    const entry = JSON.parse(await machine.succeed('graceful history --json -n 1', here)) as HistoryEntry;
    return entry.operation === 'keepalive' ? entry : null;
  });
  assert.deepEqual([last.result, last.by.user, last.by.via], ['done', 'deploy', 'cron']);
}
