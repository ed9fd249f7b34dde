// Requests to a backend that is ready, before anybody else sends one: caches are filled, code is loaded and compiled, pools
// are opened. Their failures count for nothing; that it is still there and ready afterwards does.
import { monotonicMs } from '../core/clock.ts';
import type { Health } from '../core/status.ts';
import { delay, untilAborted } from '../system/delay.ts';
import type { Exit, LaunchedBackend } from '../system/launcher.ts';
import { type App, aborted, msSince } from './app.ts';
import { activeHealth, observe } from './observe.ts';
import { exitedEarly, notReady } from './until-ready.ts';

type Verdict =
  | { readonly type: 'warm' }
  | { readonly type: 'unready'; readonly health: Health }
  | { readonly type: 'exited'; readonly exit: Exit }
  | { readonly type: 'aborted' };

/**
 * Sends `health.warmup` requests, one after the other, until `deadline` at most (monotonic). Not while nothing ready serves:
 * a cold backend is better than none.
 * @throws `backend-exited`, `not-ready`, `aborted`
 */
export async function warmUp(app: App, launched: LaunchedBackend, deadline: number): Promise<void> {
  const { slot } = launched.record;
  if (app.config.health.warmup === 0 || !(await isServedByOther(app, launched))) return;
  const startedAt = monotonicMs();
  app.emit({ type: 'waiting', for: 'warm-up', slot, timeoutMs: Math.max(0, Math.round(deadline - startedAt)) });

  const over = new AbortController();
  const verdict = await Promise.race([
    warmed(app, launched, deadline, over.signal),
    launched.exited.then((exit): Verdict => ({ type: 'exited', exit })),
    untilAborted(app.signal, over.signal).then((): Verdict => ({ type: 'aborted' })),
  ]).finally(() => over.abort());

  switch (verdict.type) {
    case 'warm':
      return;
    case 'unready':
      throw await notReady(app, launched, `${verdict.health.detail} (after the warm-up)`);
    case 'exited':
      throw await exitedEarly(app, launched, { ...verdict.exit, ms: msSince(startedAt), during: 'warm-up' });
    case 'aborted':
      throw aborted(app);
  }
}

async function isServedByOther(app: App, { record }: LaunchedBackend): Promise<boolean> {
  const now = observe(app);
  return now.active !== null && now.active !== record.slot && (await activeHealth(app, now))?.ok === true;
}

async function warmed(app: App, launched: LaunchedBackend, deadline: number, over: AbortSignal): Promise<Verdict> {
  await sendRequests(app, launched, deadline, over);
  const { successes, intervalMs } = app.config.health;
  for (let inARow = 0; ; ) {
    const health = await app.system.probe(launched.record, 'socket', over);
    inARow = health.ok ? inARow + 1 : 0;
    if (inARow >= successes) return { type: 'warm' };
    if (over.aborted || (!health.ok && monotonicMs() > deadline)) return { type: 'unready', health };
    await delay(intervalMs, over);
  }
}

async function sendRequests(app: App, { record }: LaunchedBackend, deadline: number, over: AbortSignal): Promise<void> {
  const { slot } = record;
  const startedAt = monotonicMs();
  const failures: string[] = [];
  let requests = 0;
  using limit = until(deadline, over);
  while (requests < app.config.health.warmup && !limit.signal.aborted) {
    const health = await app.system.warmupRequest(record, requests, limit.signal);
    if (limit.signal.aborted) break;
    requests += 1;
    if (!health.ok) failures.push(health.detail);
  }
  if (over.aborted) return;
  const ms = msSince(startedAt);
  app.emit({ type: 'backend-warmed', slot, requests, failed: failures.length, ms, detail: failures.at(-1) ?? '' });
}

/** Aborted at the deadline, or with `over`. */
function until(deadline: number, over: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const either = new AbortController();
  const abort = (): void => either.abort();
  const timer = setTimeout(abort, Math.max(0, deadline - monotonicMs()));
  if (over.aborted) abort();
  over.addEventListener('abort', abort);
  return {
    signal: either.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      over.removeEventListener('abort', abort);
    },
  };
}
