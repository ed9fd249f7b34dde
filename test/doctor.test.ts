// What `graceful doctor` makes of the files of a machine. The whole of it is tried on one, by test/journey/doctor.ts.
import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Config } from '../src/core/config.ts';
import { commandIn } from '../src/doctor/callers/cron.ts';
import { unitsIn } from '../src/doctor/callers/systemd.ts';
import { inRepo } from './rig/paths.ts';
import { tempDir } from './rig/temp-dir.ts';

const of = (file: string) => ({ file }) as Config;

describe('the systemd units that call us', () => {
  it('of a template are the instance of this app', async () => {
    await using dir = await tempDir();
    cpSync(inRepo('systemd'), dir.path, { recursive: true });
    assert.deepEqual(unitsIn(dir.path, of('/etc/graceful/shop.json')), [
      { name: 'graceful-keepalive@shop.timer', command: 'keepalive', makes: ['/run/shop'] },
      { name: 'graceful-stop-inactive@shop.timer', command: 'stop', makes: ['/run/shop'] },
      { name: 'graceful@shop.service', command: 'run', makes: ['/run/shop'] },
    ]);
    assert.deepEqual(unitsIn(dir.path, of('/srv/shop.json')), []);
  });

  it('are those that name its configuration, or begin in its directory, and not those of a neighbour', async () => {
    await using dir = await tempDir();
    const unit = (name: string, ...lines: readonly string[]) =>
      writeFileSync(join(dir.path, name), `[Service]\n${lines.join('\n')}\n`);
    unit('one.service', 'ExecStart=/usr/bin/node /opt/graceful -c "/srv/my%%shop/graceful.config.json" run');
    unit('two.service', 'WorkingDirectory=/srv/my%%shop', 'ExecStart=/usr/bin/env graceful keepalive');
    unit('other.service', 'ExecStart=/usr/bin/env graceful run -c /srv/my%%shop/graceful.config.json.old');
    unit(
      'another.service',
      'WorkingDirectory=/srv/my%%shop',
      'ExecStart=/usr/bin/env graceful run -c /srv/blog/x.json',
    );
    unit('three.service', 'ExecStart=node graceful -c "/srv/my%%shop/graceful.config.json" stop --inactive');
    unit('four.service', 'WorkingDirectory=/srv/my%%shop', 'ExecStart=graceful -c graceful.config.json keepalive');
    unit('five.service', 'Environment=GRACEFUL_CONFIG=/srv/my%%shop/graceful.config.json', 'ExecStart=graceful run');
    unit('backup.service', 'ExecStart=/usr/bin/tar c /srv/my%%shop/graceful.config.json');
    unit('spaced.service', 'ExecStart=/usr/bin/node /opt/graceful -c "/srv/my shop/$$x\\"y.json" run');
    assert.equal(unitsIn(dir.path, of('/srv/my shop/$x"y.json')).length, 1);
    assert.deepEqual(
      unitsIn(dir.path, of('/srv/my%shop/graceful.config.json')).map(({ name, command }) => [name, command]),
      [
        ['five.service', 'run'],
        ['four.service', 'keepalive'],
        ['one.service', 'run'],
        ['three.service', 'stop'],
        ['two.service', 'keepalive'],
      ],
    );
  });
});

describe("a crontab's line calls us", () => {
  const app = { file: '/srv/shop/graceful.config.json', stateDir: '/srv/shop/run' };
  const TABLE: readonly (readonly [string, string, 'keepalive' | 'stop' | null])[] = [
    ['by the path of the configuration', 'graceful -c /srv/shop/graceful.config.json keepalive', 'keepalive'],
    ['by that path in quotes', "node /opt/graceful -c '/srv/shop/graceful.config.json' stop --inactive", 'stop'],
    ['in its directory', 'cd /srv/shop && graceful keepalive', 'keepalive'],
    ['in its directory with a slash', 'cd /srv/shop/; graceful keepalive', 'keepalive'],
    [
      'in its directory, by the name of the file',
      'cd /srv/shop && graceful -c graceful.config.json keepalive',
      'keepalive',
    ],
    ['by its state dir', 'graceful --state-dir /srv/shop/run keepalive', 'keepalive'],
    ['not for a neighbour whose name begins the same', 'cd /srv/shop-staging && graceful keepalive', null],
    ['not for what is inside of its directory', 'cd /srv/shop/admin && graceful keepalive', null],
    ['not for a neighbour inside of another directory', 'cd /backup/srv/shop && graceful keepalive', null],
    ['not with another configuration', 'cd /srv/shop && graceful -c /srv/blog/graceful.config.json keepalive', null],
    ['not with another configuration of the same directory', 'cd /srv/shop && graceful -c admin.yaml keepalive', null],
    ['not for a copy of the file', 'graceful -c /srv/shop/graceful.config.json.old keepalive', null],
    ['not in a comment', '# cd /srv/shop && graceful keepalive', null],
  ];
  for (const [how, call, command] of TABLE)
    it(how, () => assert.equal(commandIn(call.startsWith('#') ? call : `* * * * * ${call}`, app), command));
});
