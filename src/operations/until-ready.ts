// From spawn to ready. Four ways out: ready, exited, deadline, aborted; each says so differently.
import { monotonicMs } from '../core/clock.ts';
import { fail } from '../core/failure.ts';
import type { Health } from '../core/status.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { delay, untilAborted } from '../system/delay.ts';
import type { Exit, LaunchedBackend } from '../system/launcher.ts';
import { type App, aborted, msSince } from './app.ts';

type Verdict =
  | { readonly type: 'ready'; readonly health: Health }
  | { readonly type: 'exited'; readonly exit: Exit }
  | { readonly type: 'deadline' }
  | { readonly type: 'aborted' };

// How often to look whether the socket is there at all: a stat, so that a fast backend is not kept waiting.
const SOCKET_POLL_MS = 5;
const ADOPTED_POLL_MS = 100;

/** Waits for the gate, sets the socket's mode and group, and notes on disk that the backend has been ready. */
export async function untilReady(app: App, launched: LaunchedBackend): Promise<BackendRecord> {
  const { slot, pid } = launched.record;
  const startedAt = monotonicMs();
  const gate = new Gate(app, launched.record);
  app.emit({ type: 'waiting', for: 'ready', slot, timeoutMs: app.config.startTimeoutMs });

  const over = new AbortController();
  const verdict = await Promise.race([
    gate.passed(over.signal),
    untilExited(launched, over.signal).then((exit): Verdict => ({ type: 'exited', exit })),
    untilDeadline(app, launched, over.signal).then((): Verdict => ({ type: 'deadline' })),
    untilAborted(app.signal, over.signal).then((): Verdict => ({ type: 'aborted' })),
  ]).finally(() => over.abort());

  switch (verdict.type) {
    case 'ready': {
      await app.system.applySocketRights(slot, true);
      const backend = { ...launched.record, readyAt: new Date().toISOString() };
      app.system.saveRecord(backend);
      app.emit({ type: 'backend-ready', slot, pid, ms: msSince(startedAt), detail: verdict.health.detail });
      return backend;
    }
    case 'exited':
      throw await exitedEarly(app, launched, { ...verdict.exit, ms: msSince(startedAt) });
    case 'deadline':
      throw await notReady(app, launched, gate.lastFinding);
    case 'aborted':
      throw aborted(app);
  }
}

/** Waits for a backend that somebody else started: its exit is seen by its identity only. @throws like {@link untilReady} */
export async function untilReadyAgain(app: App, record: BackendRecord): Promise<BackendRecord> {
  const watch = new AbortController();
  const exited = async (): Promise<Exit> => {
    while (!watch.signal.aborted && app.system.record(record.slot).kind === 'alive')
      await delay(ADOPTED_POLL_MS, watch.signal);
    return { exitCode: null, signal: null };
  };
  using announcements = await app.system.listenTo(record);
  try {
    const workerExits = () => () => undefined;
    return await untilReady(app, { record, logStart: 0, exited: exited(), workerExits, announcements });
  } finally {
    watch.abort();
  }
}

/** `startTimeout`, or as long as the backend has asked to be waited for. */
async function untilDeadline(app: App, { announcements }: LaunchedBackend, over: AbortSignal): Promise<void> {
  const timeout = monotonicMs() + app.config.startTimeoutMs;
  const leftMs = (): number => Math.max(timeout, announcements.extendedUntil()) - monotonicMs();
  for (let left = leftMs(); left > 0 && !over.aborted; left = leftMs()) await delay(left, over);
}

/** The leader, or the first worker: what does not even start once is not put right by starting it again. */
function untilExited({ exited, workerExits }: LaunchedBackend, over: AbortSignal): Promise<Exit> {
  return new Promise((resolve) => {
    const stopListening = workerExits(resolve);
    over.addEventListener('abort', stopListening, { once: true });
    void exited.then(resolve);
  });
}

const NO_SOCKET = 'no socket yet';

/** The health check, until it has passed `successes` times in a row. */
class Gate {
  lastFinding = NO_SOCKET;
  readonly #app: App;
  readonly #backend: BackendRecord;

  constructor(app: App, backend: BackendRecord) {
    this.#app = app;
    this.#backend = backend;
  }

  async passed(over: AbortSignal): Promise<Verdict> {
    const { system, config, emit } = this.#app;
    const { slot } = this.#backend;
    const startedAt = monotonicMs();
    let inARow = 0;
    while (!over.aborted) {
      if (!(await system.socketExists(slot))) {
        inARow = 0;
        await delay(SOCKET_POLL_MS, over);
        continue;
      }
      if (this.lastFinding === NO_SOCKET) this.lastFinding = 'no answer yet';
      const health = await system.probe(this.#backend, 'socket', over);
      if (over.aborted) break;
      inARow = health.ok ? inARow + 1 : 0;
      if (inARow >= config.health.successes) return { type: 'ready', health };
      if (health.detail !== this.lastFinding) {
        this.lastFinding = health.detail;
        emit({ type: 'still-waiting', for: 'ready', slot, elapsedMs: msSince(startedAt), detail: health.detail });
      }
      await delay(config.health.intervalMs, over);
    }
    return new Promise(() => undefined); // lost the race
  }
}

export async function exitedEarly(
  app: App,
  { record, logStart }: LaunchedBackend,
  exit: Exit & { readonly ms: number; readonly during?: 'warm-up' },
) {
  const { slot } = record;
  const { ms, during } = exit;
  const logPath = app.system.paths.slots[slot].log;
  const how = exit.signal === null ? `exited with code ${exit.exitCode}` : `was killed by ${exit.signal}`;
  return fail(
    'backend-exited',
    `slot ${slot}: the backend ${how} after ${ms} ms, ${during === undefined ? 'before it was ready' : 'during its warm-up'}`,
    {
      slot,
      exitCode: exit.exitCode,
      signal: exit.signal,
      ms,
      ...(during === undefined ? {} : { during }),
      log: await app.system.logTail(slot, logStart),
      logPath,
    },
  );
}

export async function notReady(app: App, { record, logStart }: LaunchedBackend, lastProbe: string) {
  const { slot } = record;
  const { socket: expected, log: logPath } = app.system.paths.slots[slot];
  const addresses = await app.system.listeningAddresses(record);
  // A socket at the path was bound by it, under whatever spelling.
  const isThere = addresses.includes(expected) || (await app.system.socketExists(slot));
  const listensAt = isThere ? [expected] : addresses;
  const elsewhere =
    isThere || listensAt.length === 0 ? '' : `; it listens at ${listensAt.join(', ')} instead of ${expected}`;
  return fail(
    'not-ready',
    `slot ${slot}: the backend was not ready within ${app.config.startTimeoutMs} ms: ${lastProbe}${elsewhere}`,
    {
      slot,
      timeoutMs: app.config.startTimeoutMs,
      lastProbe,
      listensAt,
      expected,
      log: await app.system.logTail(slot, logStart),
      logPath,
    },
  );
}
