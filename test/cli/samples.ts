// One event, outcome and failure of each kind, typed so that a new kind does not compile until it has its sample.
import type { GracefulEvent } from '../../src/core/events.ts';
import type { FailureCode, FailureDetails, FailureRecord } from '../../src/core/failure.ts';
import type { StatusReport } from '../../src/core/status.ts';

export const EVENTS: { readonly [Type in GracefulEvent['type']]: GracefulEvent & { readonly type: Type } } = {
  waiting: { type: 'waiting', for: 'ready', slot: 'b', timeoutMs: 60_000 },
  'still-waiting': { type: 'still-waiting', for: 'drain', slot: 'a', elapsedMs: 3_200, detail: '2 connections' },
  'lock-taken-over': { type: 'lock-taken-over', pid: 17, operation: 'update' },
  'desired-changed': { type: 'desired-changed', desired: 'up' },
  'hook-succeeded': { type: 'hook-succeeded', hook: 'beforeStart', ms: 1_500 },
  'hook-failed': {
    type: 'hook-failed',
    hook: 'afterSwitch',
    reason: 'exit code 1',
    output: ['purging', 'cache is down'],
  },
  'backend-started': {
    type: 'backend-started',
    slot: 'b',
    pid: 42,
    cwd: '/srv/app/releases/7',
    release: '0123456789abcdef0123456789abcdef01234567',
  },
  'backend-ready': { type: 'backend-ready', slot: 'b', pid: 42, ms: 3_200, detail: '200 OK' },
  'backend-warmed': { type: 'backend-warmed', slot: 'b', requests: 20, failed: 1, ms: 900, detail: 'HTTP 500' },
  'already-running': { type: 'already-running', slot: 'a', pid: 41, ready: true, detail: '200 OK' },
  'health-failed': { type: 'health-failed', slot: 'a', failures: 2, limit: 3, detail: 'HTTP 503' },
  'backend-found-dead': { type: 'backend-found-dead', slot: 'a', pid: 41, reason: 'no such process' },
  'traffic-switched': { type: 'traffic-switched', from: 'a', to: 'b' },
  'switch-verified': { type: 'switch-verified', slot: 'b', ms: 4, detail: '200 OK' },
  'traffic-restored': { type: 'traffic-restored', to: 'a', reason: 'HTTP 502 through the link' },
  'link-removed': { type: 'link-removed', from: 'a' },
  'backend-drained': { type: 'backend-drained', slot: 'a', ms: 820, method: 'socket-table' },
  'connections-cut': { type: 'connections-cut', slot: 'a', count: 1, afterMs: 30_000 },
  'backend-signalled': { type: 'backend-signalled', slot: 'a', pid: 41, signal: 'SIGTERM' },
  'backend-stopped': { type: 'backend-stopped', slot: 'a', pid: 41, ms: 150, killed: false },
  'stale-removed': { type: 'stale-removed', path: '/run/app/app-a.pid', reason: 'its process is dead' },
  warned: { type: 'warned', about: 'cannot write the history', detail: 'ENOSPC' },
  'abort-requested': { type: 'abort-requested', by: 'SIGINT' },
  'abort-refused': { type: 'abort-refused', reason: 'traffic has moved' },
  'release-prepared': {
    type: 'release-prepared',
    release: '0123456789abcdef0123456789abcdef01234567',
    directory: '/srv/app/releases/0123456789ab',
    ms: 4_200,
  },
  'release-removed': { type: 'release-removed', directory: '/srv/app/releases/0123456789ab' },
  undone: { type: 'undone', slot: 'b', what: 'stopped the backend again' },
};

const DETAILS: FailureDetails = {
  usage: { hint: 'did you mean status?' },
  config: {
    file: '/srv/app/graceful.config.json',
    problems: [{ key: 'helth', found: 'an unknown key', expected: 'a known one', suggestion: 'health' }],
  },
  superseded: { by: 'stop' },
  'state-dir': { path: '/srv/app/run', found: 'mode 0777', expected: 'writable by its owner only' },
  busy: { pid: 17, operation: 'update', since: '2025-06-01T03:00:00Z', waitedMs: 60_000 },
  'lock-lost': { path: '/srv/app/run/app.lock' },
  'not-executable': { slot: 'b', command: './server', reason: 'no such file' },
  'backend-exited': {
    slot: 'b',
    exitCode: 1,
    signal: null,
    ms: 120,
    log: ['Traceback', '\u001b[31mImportError\u001b[0m\u001b[2J'],
    logPath: '/srv/app/run/app-b.log',
  },
  'not-ready': {
    slot: 'b',
    timeoutMs: 60_000,
    lastProbe: 'HTTP 503',
    listensAt: ['/tmp/x.sock'],
    expected: '/srv/app/run/app-b.socket',
    log: [],
    logPath: '/srv/app/run/app-b.log',
  },
  'socket-in-use': { slot: 'b', path: '/srv/app/run/app-b.socket', by: 'pid 99 (nc)' },
  'link-not-ours': { path: '/srv/app/run/app.socket', found: 'a socket' },
  'slot-not-ready': { slot: 'b', state: 'stopped', detail: '' },
  'would-lose-traffic': { slot: 'a', reason: 'it has the traffic and b is not ready' },
  'cannot-roll-back': {
    why: 'stopped',
    detail: '2025-06-01T03:00:00Z',
    before: { slot: 'a', cwd: '/srv/app', release: '0123abcd', stoppedBy: 'stop', directory: 'same' },
  },
  'verify-failed': { slot: 'b', detail: 'HTTP 502' },
  'rolled-back': {
    slot: 'b',
    to: 'a',
    reason: 'failed its health check 3 times',
    detail: 'HTTP 503',
    afterMs: 4_200,
    release: '0123abcd',
    log: ['Traceback'],
    logPath: '/srv/app/run/app-b.log',
  },
  'release-failed': { command: 'npm ci', reason: 'exit code 1', output: ['npm error'] },
  'hook-failed': { hook: 'beforeStart', reason: 'exit code 1', output: ['migration failed'] },
  'stop-failed': { slot: 'a', pid: 41, reason: 'still there after SIGKILL' },
  aborted: { by: 'SIGINT' },
  'not-serving': { reason: 'a is unready and b could not be started' },
  'connection-lost': { reason: 'the supervisor went away' },
  'setup-failed': {
    path: '/etc/nginx/conf.d/graceful-app.conf',
    output: ['nginx: [emerg] …'],
    hint: '--force overwrites it',
  },
  system: { errno: 'ENOSPC', call: 'write', path: '/srv/app/run/app-a.pid.tmp' },
  internal: { stack: 'Error: boom\n    at main.ts:1' },
};

export const FAILURES: readonly FailureRecord[] = (Object.keys(DETAILS) as FailureCode[]).map(
  (code) => ({ code, message: `message of ${code}`, details: DETAILS[code] }) as FailureRecord,
);

export const failureOf = (code: FailureCode): FailureRecord =>
  FAILURES.find((failure) => failure.code === code) ?? assertNever(code);

const assertNever = (code: string): never => {
  throw new Error(`no sample of ${code}`);
};

export const REPORT: StatusReport = {
  name: 'app',
  stateDir: '/srv/app/run',
  config: '/srv/app/graceful.config.json',
  desired: 'up',
  active: 'a',
  link: { path: '/srv/app/run/app.socket', target: 'app-a.socket' },
  supervisor: { retry: null, pid: 812 },
  lastUpdate: { at: '2025-06-01T00:00:00.000Z', operation: 'update', result: 'done', code: null, reason: null },
  slots: [
    {
      name: 'a',
      state: 'ready',
      active: true,
      pid: 4242,
      startedAt: '2025-06-01T00:00:00.000Z',
      uptimeMs: 312_000,
      connections: { accepted: 3, queued: 2 },
      rssBytes: 86_000_000,
      cpuMs: 1_230,
      socket: '/srv/app/run/app-a.socket',
      cwd: '/srv/app/releases/7',
      release: '0123456789abcdef0123456789abcdef01234567',
      health: { ok: true, detail: '200 OK', ms: 3 },
      workers: [],
    },
    {
      name: 'b',
      state: 'stopped',
      active: false,
      pid: null,
      startedAt: null,
      uptimeMs: null,
      connections: null,
      rssBytes: null,
      cpuMs: null,
      socket: '/srv/app/run/app-b.socket',
      cwd: null,
      release: null,
      health: null,
      workers: [],
    },
  ],
};
