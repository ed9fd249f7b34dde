// The rights of every file that is made, while it is made and afterwards, whatever the umask is.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, cleanEnvironment, createTestApp, type TestApp } from '../../rig/test-app.ts';
import { everyNth } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';

const UMASKS = ['000', '002', '022', '027', '077'];
const STORIES: readonly (readonly (readonly string[])[])[] = [
  [['update'], ['update'], ['stop', '--inactive']],
  [['start', '--all'], ['switch'], ['restart', '--all']],
  [['keepalive'], ['stop', '--all'], ['start']],
  [['run']],
];
const SOCKET_MODES = ['0600', '0660', '0666'];

export function rightsCases(form: Form): readonly Case[] {
  const all = [...cases()];
  return form === 'long' ? all : everyNth(all, 13, 'rights');
}

function* cases(): Iterable<Case> {
  for (const umask of UMASKS)
    for (const socketMode of SOCKET_MODES)
      for (const [index, story] of STORIES.entries())
        yield {
          row: 'no file is made with wider rights than configured',
          name: `umask ${umask}, socketMode ${socketMode}, story ${index}`,
          tried: ['clear'],
          run: () => tell(umask, socketMode, story),
        };
}

async function tell(umask: string, socketMode: string, story: readonly (readonly string[])[]): Promise<void> {
  await using app = await createTestApp();
  const seen = join(app.dir, 'seen');
  // What is there while the lock is held, besides what is left.
  const look = [
    '/bin/sh',
    '-c',
    `stat -c '%A %a %n' "$1"/* "$1"/.[!.]* >> ${seen} 2>/dev/null; :`,
    'look',
    app.stateDir,
  ];
  app.configure({ socketMode, hooks: { beforeStart: look, afterSwitch: look } });
  for (const command of story) {
    if (command[0] === 'run') await supervise(app, umask);
    else
      execFileSync('/bin/sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, BIN, ...command], {
        cwd: app.dir,
        env: cleanEnvironment(),
        stdio: 'ignore',
      });
    assertRights(app, socketMode);
  }
  for (const line of readFileSync(seen, 'utf8').trim().split('\n')) {
    const [kind = '', mode = '', path = ''] = line.split(' ');
    if (!kind.startsWith('s') && !kind.startsWith('l')) assertNarrow(path, Number.parseInt(mode, 8));
  }
}

async function supervise(app: TestApp, umask: string): Promise<void> {
  const child = spawn('/bin/sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, BIN, 'run', '--json'], {
    cwd: app.dir,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said += chunk as string;
    if (!said.includes('"operation-completed"')) continue;
    assert.equal(modeOf(app.file('app.control')), 0o600, 'the control socket');
    break;
  }
  child.kill('SIGUSR2');
  await once(child, 'exit');
}

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

function assertRights(app: TestApp, socketMode: string): void {
  assert.equal(modeOf(app.stateDir), 0o750, 'the state dir');
  for (const name of readdirSync(app.stateDir)) {
    const path = app.file(name);
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) continue;
    if (stat.isSocket()) {
      if (name !== 'app.control') assert.equal(modeOf(path).toString(8), socketMode.slice(1), name);
    } else assertNarrow(path, modeOf(path));
  }
}

function assertNarrow(path: string, mode: number): void {
  const widest = path.endsWith('.pid') || path.includes('.pid.') ? 0o644 : path.endsWith('.lock') ? 0o750 : 0o640;
  assert.equal(mode & ~widest, 0, `${path} has mode ${mode.toString(8)}, wider than ${widest.toString(8)}`);
}
