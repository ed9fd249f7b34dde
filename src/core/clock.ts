// Time that only goes forward, whatever happens to the clock on the wall.

/**
 * Milliseconds since some moment in the past: only differences mean something. Not `performance.now()`, of which the
 * first use loads the whole of node:perf_hooks: half a millisecond of every `keepalive`.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
