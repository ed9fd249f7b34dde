import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { countConnections } from '../../src/system/connections.ts';
import { readSocketTables } from '../../src/system/socket-table.ts';
import { tempDir } from '../rig/temp-dir.ts';

describe('the kernel’s table of sockets', () => {
  it('is read once for what is asked side by side', () => {
    const first = readSocketTables(process.pid);
    assert.notEqual(first, null);
    assert.equal(readSocketTables(process.pid), first);
  });

  it('is read afresh after any wait: a connection that came meanwhile is seen', async () => {
    await using dir = await tempDir();
    const path = dir.join('app.socket');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const count = async (): Promise<number> => {
      const connections = await countConnections(process.pid, path);
      return (connections?.accepted ?? 0) + (connections?.queued ?? 0);
    };
    const before = readSocketTables(process.pid);
    await null;
    assert.notEqual(readSocketTables(process.pid), before);
    assert.equal(await count(), 0);
    const client = connect(path);
    await once(client, 'connect');
    assert.equal(await count(), 1);
    client.destroy();
    server.close();
  });
});
