// What a call of `server.listen` asks for, in all the shapes that net.Server takes.

/** A listen at a TCP port. */
export interface Asked {
  readonly port: number;
  /** Null: all addresses. */
  readonly host: string | null;
  readonly backlog: number | null;
  readonly signal: AbortSignal | null;
  readonly callback: (() => void) | null;
}

/** Null for whatever is no TCP port: a path, a descriptor, a handle, or something that Node itself will refuse. */
export function askedOf(args: readonly unknown[]): Asked | null {
  const last = args.at(-1);
  const callback = typeof last === 'function' ? (last as () => void) : null;
  const [first, second, third] = callback === null ? args : args.slice(0, -1);
  if (typeof first !== 'object' || first === null) {
    const port = portOf(first);
    if (port === null) return null;
    const host = typeof second === 'string' && numberOf(second) === null ? second : null;
    return { port, host, backlog: numberOf(second) ?? numberOf(third), signal: null, callback };
  }
  const { port: given, host, backlog, signal, fd, handle, _handle } = first as Readonly<Record<string, unknown>>;
  if (_handle || handle || (typeof fd === 'number' && fd >= 0) || !('port' in first)) return null;
  const port = portOf(given);
  if (port === null) return null;
  return {
    port,
    host: typeof host === 'string' && host !== '' ? host : null,
    backlog: numberOf(backlog),
    signal: signal instanceof AbortSignal ? signal : null,
    callback,
  };
}

function portOf(value: unknown): number | null {
  if (value === undefined || value === null) return 0;
  const port = numberOf(value);
  return port !== null && Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : null;
}

/** As node:net takes them: `'3000'` is a number, `'/run/x'` is not. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  return Number.isNaN(number) ? null : number;
}
