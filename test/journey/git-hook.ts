// `graceful setup git-hook` with real repositories: a pull and a push put the code into service, and hooks that are there stay.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { skipUnless } from '../rig/requirements.ts';
import { createServer, type Server } from './setup-rig.ts';

const IDENTITY = ['-c', 'user.name=dev', '-c', 'user.email=dev@example.org', '-c', 'init.defaultBranch=main'];

const git = (server: Server, dir: string, ...args: readonly string[]): string => {
  const { status, stdout, stderr } = server.run('git', [...IDENTITY, ...args], server.join(dir));
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
};

/** A developer's repository `dev` with the app and its configuration in it. */
const createRepository = async (): Promise<Server> => {
  const server = await createServer();
  server.succeed('init', '--yes');
  server.write('shop/.gitignore', 'var/\n');
  git(server, '.', 'init', '-q', 'shop');
  commit(server, 'shop', 'first');
  git(server, '.', 'clone', '-q', 'shop', 'dev');
  return server;
};

const commit = (server: Server, dir: string, message: string): void => {
  git(server, dir, 'add', '-A');
  git(server, dir, 'commit', '-qm', message);
};

const deploy = (server: Server, version: string): void => {
  server.write('dev/version', `${version}\n`);
  commit(server, 'dev', version);
};

const served = (server: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath: server.join('shop/var/run/shop.socket'), path: '/' }, (response) => {
      response.setEncoding('utf8').once('data', resolve);
    })
      .on('error', reject)
      .end();
  });

describe('git pull with the post-merge hook', { skip: skipUnless('git') }, () => {
  const createCheckout = async (): Promise<Server> => {
    const server = await createRepository();
    git(server, '.', 'clone', '-q', '--bare', 'shop', 'origin.git');
    git(server, 'dev', 'remote', 'set-url', 'origin', server.join('origin.git'));
    git(server, 'shop', 'remote', 'add', 'origin', server.join('origin.git'));
    git(server, 'shop', 'fetch', '-q', 'origin');
    git(server, 'shop', 'branch', '-q', '-u', 'origin/main');
    server.succeed('update');
    return server;
  };

  it('puts the new code into service and shows it; a version that does not start leaves the old one there and says so', async () => {
    await using server = await createCheckout();
    assert.match(server.succeed('setup', 'git-hook', '--write'), /wrote .*\/\.git\/hooks\/post-merge/);
    assert.match(server.succeed('setup', 'git-hook', '--write'), /nothing to do/);
    deploy(server, '2');
    git(server, 'dev', 'push', '-q');
    assert.match(git(server, 'shop', 'pull', '-q'), /b: active now, traffic moved here from a[\s\S]*b serves release/);
    assert.equal(await served(server), '2');
    deploy(server, 'broken');
    git(server, 'dev', 'push', '-q');
    const said = git(server, 'shop', 'pull', '-q');
    assert.match(said, /cannot start[\s\S]*Traffic is where it was[\s\S]*it is not in service \(exit code 1\)/);
    assert.equal(await served(server), '2');
  });

  it("the backend gets none of git's own variables", async () => {
    await using server = await createCheckout();
    server.succeed('setup', 'git-hook', '--write');
    server.write(
      'dev/server.js',
      server
        .read('dev/server.js')
        .replace(
          'response.end(version)',
          'response.end(Object.keys(process.env).filter((name) => /^GIT/.test(name)).concat("none").join())',
        ),
    );
    deploy(server, '2');
    git(server, 'dev', 'push', '-q');
    git(server, 'shop', 'pull', '-q');
    const ours = Object.keys(process.env).filter((name) => name.startsWith('GIT'));
    assert.deepEqual(
      (await served(server)).split(',').filter((name) => !ours.includes(name)),
      ['none'],
    );
  });

  it('a hook that is there runs first and stays as it was, to the byte, when ours is taken out', async () => {
    await using server = await createCheckout();
    const theirs = '#!/bin/bash\n# mine\necho "theirs ran"\n\n';
    server.write('shop/.git/hooks/post-merge', theirs, 0o755);
    server.succeed('setup', 'git-hook', '--write');
    assert.ok(server.read('shop/.git/hooks/post-merge').startsWith(theirs));
    deploy(server, '2');
    git(server, 'dev', 'push', '-q');
    assert.match(git(server, 'shop', 'pull', '-q'), /theirs ran[\s\S]*active now/);
    server.succeed('setup', 'git-hook', '--remove');
    assert.equal(server.read('shop/.git/hooks/post-merge'), theirs);
    assert.equal(statSync(server.join('shop/.git/hooks/post-merge')).mode & 0o777, 0o755);
    server.run('rm', ['.git/hooks/post-merge']);
    server.succeed('setup', 'git-hook', '--write');
    server.succeed('setup', 'git-hook', '--remove');
    assert.equal(existsSync(server.join('shop/.git/hooks/post-merge')), false);
    assert.match(server.succeed('setup', 'git-hook', '--remove'), /nothing to do/);
  });

  for (const [title, theirs, mode] of [
    ['is not a shell script', '#!/usr/bin/env python3\nprint(1)\n', 0o755],
    ['ends with exit', '#!/bin/sh\nmake\nexit 0\n', 0o755],
    ['is not executable', '#!/bin/sh\nmake\n', 0o644],
  ] as const)
    it(`a hook that ${title} is left alone, and the lines are shown`, async () => {
      await using server = await createRepository();
      server.write('shop/.git/hooks/post-merge', theirs, mode);
      const { status, stderr } = server.graceful('setup', 'git-hook', '--write');
      assert.equal(status, 1);
      assert.match(stderr, /graceful\.config\.yaml update/);
      assert.equal(server.read('shop/.git/hooks/post-merge'), theirs);
    });

  it('core.hooksPath is where it goes, and there it is for this repository only', async () => {
    await using server = await createCheckout();
    git(server, 'shop', 'config', 'core.hooksPath', server.join('all-hooks'));
    git(server, 'dev', 'config', 'core.hooksPath', server.join('all-hooks'));
    server.succeed('setup', 'git-hook', '--write');
    assert.deepEqual(readdirSync(server.join('all-hooks')), ['post-merge']);
    git(server, 'dev', 'checkout', '-qb', 'other');
    deploy(server, '2');
    git(server, 'dev', 'checkout', '-q', 'main');
    assert.doesNotMatch(git(server, 'dev', 'merge', 'other'), /active now/);
    git(server, 'dev', 'push', '-q');
    assert.match(git(server, 'shop', 'pull', '-q'), /active now/);
    git(server, 'shop', 'config', 'core.hooksPath', '.hooks');
    server.succeed('setup', 'git-hook', '--write');
    assert.ok(existsSync(server.join('shop/.hooks/post-merge')));
  });
});

describe('git push with the post-receive hook', { skip: skipUnless('git') }, () => {
  it('to a bare repository: the branch is checked out and put into service, another branch is not', async () => {
    await using server = await createRepository();
    git(server, '.', 'clone', '-q', '--bare', 'shop', 'shop.git');
    server.run('rm', ['-rf', '.git']);
    server.succeed('update');
    server.succeed('setup', 'git-hook', '--repo', server.join('shop.git'), '--write');
    git(server, 'dev', 'remote', 'set-url', 'origin', server.join('shop.git'));
    deploy(server, '2');
    assert.match(git(server, 'dev', 'push', 'origin', 'main'), /remote: b: active now/);
    assert.equal(await served(server), '2');
    assert.equal(server.read('shop/version'), '2\n');
    deploy(server, '3');
    assert.doesNotMatch(git(server, 'dev', 'push', 'origin', 'main:next'), /active now/);
    assert.equal(await served(server), '2');
    deploy(server, 'broken');
    const said = git(server, 'dev', 'push', 'origin', 'main');
    assert.match(said, /remote: .*cannot start[\s\S]*remote: graceful: the code is here, but it is not in service/);
    assert.equal(await served(server), '2');
  });

  it('to the checkout itself: git brings the work tree along, and --remove makes it refuse again', async () => {
    await using server = await createRepository();
    server.succeed('update');
    server.succeed('setup', 'git-hook', '--kind', 'post-receive', '--write');
    assert.match(server.succeed('setup', 'git-hook', '--kind', 'post-receive', '--write'), /nothing to do/);
    deploy(server, '2');
    assert.match(git(server, 'dev', 'push'), /remote: b: active now/);
    assert.equal(await served(server), '2');
    server.succeed('setup', 'git-hook', '--kind', 'post-receive', '--remove');
    deploy(server, '3');
    assert.throws(() => git(server, 'dev', 'push'), /refusing to update checked out branch/);
  });

  it('below a hook that has read what was pushed, it updates all the same', async () => {
    await using server = await createRepository();
    server.succeed('update');
    server.write('shop/.git/hooks/post-receive', '#!/bin/sh\ncat > /dev/null\n', 0o755);
    server.succeed('setup', 'git-hook', '--kind', 'post-receive', '--write');
    deploy(server, '2');
    assert.match(git(server, 'dev', 'push'), /remote: b: active now/);
  });

  it('a directory that is no repository is said to be none', async () => {
    await using server = await createServer();
    server.succeed('init', '--yes');
    const { status, stderr } = server.graceful('setup', 'git-hook', '--write');
    assert.equal(status, 1);
    assert.match(stderr, /is not a git repository/);
  });
});
