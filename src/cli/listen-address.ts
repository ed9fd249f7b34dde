// Where the front, or the metrics of a supervisor, are to listen.
import { fail } from '../core/failure.ts';
import type { ListenAddress } from './invocation.ts';

/** `HOST:PORT`, `[::1]:PORT`, or a port alone, which means this machine only. Raises `usage`. */
export const parseListenAddress = (flag: '--listen' | '--metrics-listen', text: string): ListenAddress => {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw fail('usage', `${flag}: found ${JSON.stringify(text)}, expected HOST:PORT`, {
      hint: 'like 127.0.0.1:8080, [::1]:8080, or 0.0.0.0:8080 for every interface',
    });
  }
  return { host: match[1]?.replace(/^\[|\]$/g, '') ?? '127.0.0.1', port };
};
