// The units that users copy, as systemd itself reads them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { inRepo } from '../rig/paths.ts';
import { need, skipUnless } from '../rig/requirements.ts';
import { tempDir } from '../rig/temp-dir.ts';

const UNITS = readdirSync(inRepo('systemd'));

describe('the units in systemd/', { skip: skipUnless('systemd') }, () => {
  for (const unit of UNITS)
    it(`${unit} is right to the last word: systemd-analyze verify has nothing to say`, async () => {
      await using dir = await tempDir();
      // All of them: a timer without its service is an error.
      for (const each of UNITS) copyFileSync(inRepo('systemd', each), dir.join(each.replace('@.', '@shop.')));
      const { status, stdout, stderr } = spawnSync(
        need('systemd'),
        ['verify', '--man=no', dir.join(unit.replace('@.', '@shop.'))],
        { encoding: 'utf8', env: { ...process.env, SYSTEMD_UNIT_PATH: `${dir.path}:` } },
      );
      // Other units of this machine are none of our business.
      const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('graceful'));
      assert.deepEqual(ours, []);
      assert.equal(status, 0, stderr);
    });

  it('the witness sees: a key that systemd does not know is complained about', async () => {
    await using dir = await tempDir();
    const text = readFileSync(inRepo('systemd/graceful@.service'), 'utf8').replace('KillMode=', 'KilMode=');
    writeFileSync(dir.join('graceful@shop.service'), text);
    const { stderr } = spawnSync(need('systemd'), ['verify', '--man=no', dir.join('graceful@shop.service')], {
      encoding: 'utf8',
    });
    assert.match(stderr, /graceful@shop\.service:\d+: Unknown key.*KilMode/);
  });
});

describe('the service of a supervisor', () => {
  const text = readFileSync(inRepo('systemd/graceful@.service'), 'utf8');
  for (const [line, why] of [
    ['Type=notify', 'systemctl start returns when the app serves'],
    ['NotifyAccess=all', 'systemd-notify is a child of the main process'],
    ['KillMode=process', 'backends outlive the supervisor'],
    ['RuntimeDirectoryPreserve=yes', 'nginx stays connected over a restart'],
    ['Restart=always', 'a supervisor that crashes comes back'],
  ] as const)
    it(`has ${line}: ${why}`, () => {
      assert.ok(text.split('\n').includes(line));
    });

  it('loses no backend with the others: every unit that starts one kills only its own main process', () => {
    for (const unit of UNITS.filter((name) => name.endsWith('.service')))
      assert.match(readFileSync(inRepo('systemd', unit), 'utf8'), /^KillMode=process$/m, unit);
  });
});
