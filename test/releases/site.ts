// An app that loads its pages only when they are asked for, as a directory per release or as a git repository.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';

/** Each page is a module of its own, loaded at its first request. */
const SERVER = `
import { createServer } from 'node:http';
createServer(async (request, response) => {
  try {
    const { text } = await import('./pages' + request.url + '.mjs');
    response.end(text);
  } catch (error) {
    response.writeHead(500).end(error.message);
  }
}).listen(process.env.GRACEFUL_SOCKET);
`;

/** Writes a release; its pages are those that the test asks for, and `healthz`. */
export function writeRelease(dir: string, version: string, pages: readonly string[] = ['first', 'late']): void {
  mkdirSync(join(dir, 'pages'), { recursive: true });
  writeFileSync(join(dir, 'server.mjs'), SERVER);
  for (const page of ['healthz', ...pages])
    writeFileSync(join(dir, 'pages', `${page}.mjs`), `export const text = '${page} of ${version}';\n`);
}

export function git(dir: string, ...args: readonly string[]): string {
  const run = spawnSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], {
    cwd: dir,
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`git ${args.join(' ')}: ${run.stderr}`);
  return run.stdout.trim();
}

export function commit(dir: string, version: string): string {
  writeRelease(dir, version);
  git(dir, 'add', '-A', 'server.mjs', 'pages');
  git(dir, 'commit', '-q', '-m', version);
  return git(dir, 'rev-parse', 'HEAD').slice(0, 12);
}

/** GET on a connection of its own: status and body. */
export const page = (socketPath: string, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve(`${response.statusCode} ${body}`));
    })
      .on('error', reject)
      .end();
  });
