// The link: at every moment it leads to one of the two sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { lstatSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { openLink } from '../../src/system/link.ts';
import { statePaths } from '../../src/system/state-paths.ts';
import { tempDir } from '../rig/temp-dir.ts';

describe('the link', () => {
  it('can be connected to while it is repointed again and again: not one connect fails', async () => {
    await using dir = await tempDir();
    const paths = statePaths(dir.path, 'app');
    const servers = [paths.slots.a, paths.slots.b].map(({ socket }) =>
      createServer((connection) => connection.destroy()).listen(socket),
    );
    await Promise.all(servers.map((server) => once(server, 'listening')));
    const link = openLink(paths);
    await link.point('a');
    let swaps = 0;
    let goesOn = true;
    const swapping = (async () => {
      while (goesOn) {
        link.point(++swaps % 2 === 0 ? 'a' : 'b');
        await new Promise(setImmediate);
      }
    })();
    const failures: string[] = [];
    const clients = Array.from({ length: 4 }, async () => {
      for (let connects = 0; connects < 500; connects += 1) {
        await new Promise<void>((resolve) =>
          connect(paths.link)
            .on('error', (error) => failures.push(String(error)))
            .on('close', () => resolve())
            .resume(),
        );
      }
    });
    await Promise.all(clients);
    goesOn = false;
    await swapping;
    for (const server of servers) server.close();
    assert.ok(swaps > 50, `only ${swaps} swaps`);
    assert.deepEqual(failures, []);
    assert.deepEqual(
      readdirSync(dir.path).filter((file) => file.endsWith('.tmp')),
      [],
    );
  });

  it('has a relative target: it survives a move of the directory and the mount of a container', async () => {
    await using dir = await tempDir();
    const paths = statePaths(dir.path, 'fastcgi');
    await openLink(paths).point('b');
    assert.equal(readlinkSync(paths.link), 'fastcgi-b.socket');
    assert.ok(lstatSync(paths.link).isSymbolicLink());
  });

  it('is understood when it was made by hand with an absolute target', async () => {
    await using dir = await tempDir();
    const paths = statePaths(dir.path, 'app');
    symlinkSync(paths.slots.b.socket, paths.link);
    assert.equal((await openLink(paths).read()).slot, 'b');
  });

  it('that is not there leads nowhere, and removing it again is no failure', async () => {
    await using dir = await tempDir();
    const link = openLink(statePaths(dir.path, 'app'));
    assert.deepEqual(await link.read(), { path: dir.join('app.socket'), target: null, slot: null, since: null });
    await link.remove();
  });
});
