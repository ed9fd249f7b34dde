// Who supervises this app: asked over its control socket. No answer is no supervisor.
import { lstatSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { fail } from '../core/failure.ts';
import type { Retry, SupervisorStatus } from '../core/status.ts';
import { isOwn } from './atomic-file.ts';

const PATIENCE_MS = 1_000;
const MAX_CHARACTERS = 64 * 1024;

/** @throws `state-dir` when the socket is neither ours nor that of the user whom the state dir belongs to. */
export function askSupervisor(controlPath: string): Promise<SupervisorStatus | null> {
  assertTrusted(controlPath);
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: controlPath, path: '/supervisor', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MAX_CHARACTERS) response.destroy();
      });
      response.once('error', () => undefined);
      response.once('close', () => resolve(parse(body)));
    });
    // For the whole of the answer: one that comes in drops would never end.
    const patience = setTimeout(() => sent.destroy(), PATIENCE_MS);
    sent.once('close', () => clearTimeout(patience));
    sent.once('error', (error: NodeJS.ErrnoException) => {
      // Another user's supervisor must not be worked past; one that was killed (ECONNREFUSED) left only its socket.
      if (error.code === 'EACCES') reject(error);
      else resolve(null);
    });
    sent.end();
  });
}

function assertTrusted(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || isOwn(found) || found.uid === statSync(dirname(path)).uid) return;
  throw fail('state-dir', `${path} belongs to user ${found.uid}: whoever listens there is not asked`, {
    path,
    found: `a file of user ${found.uid}`,
    expected: 'the socket of a supervisor of the user whom the state dir belongs to',
  });
}

/** Null where it is not a supervisor's answer. */
function parse(body: string): SupervisorStatus | null {
  try {
    const { pid, retry = null } = JSON.parse(body) as { pid?: unknown; retry?: unknown };
    return Number.isSafeInteger(pid) && (pid as number) > 0 && (retry === null || isRetry(retry))
      ? { pid: pid as number, retry }
      : null;
  } catch {
    return null;
  }
}

const isRetry = (value: unknown): value is Retry => {
  const { attempts, reason, nextTryAt } = value as Partial<Record<keyof Retry, unknown>>;
  return typeof attempts === 'number' && typeof reason === 'string' && typeof nextTryAt === 'string';
};
