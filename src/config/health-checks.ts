// The `health` key once it is found valid: one check or a list of them, and the limits that count for all together.
import type { InferOutput } from 'valibot';
import type { HealthCheck, HealthChecks } from '../core/config.ts';
import type { health } from './health-schema.ts';

type Written = InferOutput<typeof health>;
type WrittenCheck = Exclude<Written, readonly unknown[]>;

/** argv of a command that was written at this key. */
type Argv = (key: string, command: string | readonly string[]) => readonly string[];

export function toHealthChecks(written: Written, argv: Argv): HealthChecks {
  const list: readonly WrittenCheck[] = Array.isArray(written) ? written : [written as WrittenCheck];
  const keyOf = (index: number): string => (Array.isArray(written) ? `health.${index}` : 'health');
  const named = list.map((check, index) => toCheck(check, (command) => argv(`${keyOf(index)}.command`, command)));
  // What a backend says of itself cannot be asked through the link, and says nothing of its socket.
  const checks = named.every(isOwnWord) ? [...named, CONNECT] : named;
  return {
    checks,
    timeoutMs: Math.max(...checks.map(({ timeoutMs }) => timeoutMs)),
    intervalMs: Math.max(...list.map(({ interval }) => interval)),
    successes: Math.max(...list.map(({ successes }) => successes)),
    failures: Math.min(...list.map(({ failures }) => failures)),
    warmup: checks.reduce((sum, { warmup }) => sum + warmup, 0),
  };
}

const isOwnWord = ({ type }: HealthCheck): boolean => type === 'notify' || type === 'ipc';

const CONNECT: HealthCheck = { type: 'connect', timeoutMs: 5_000, warmup: 0 };

function toCheck(check: WrittenCheck, argv: (command: string | readonly string[]) => readonly string[]): HealthCheck {
  if (check.type === 'notify' || check.type === 'ipc') return { type: check.type, timeoutMs: 0, warmup: 0 };
  const limits = { timeoutMs: check.timeout, warmup: check.warmup };
  switch (check.type) {
    case 'connect':
      return { type: check.type, ...limits };
    case 'http':
      return {
        type: check.type,
        path: check.path,
        status: check.status,
        host: check.host,
        warmupPaths: [check.warmupPath].flat(),
        ...limits,
      };
    case 'fastcgi':
      return {
        type: check.type,
        path: check.path,
        script: check.script ?? null,
        status: check.status,
        host: check.host,
        warmupPaths: [check.warmupPath].flat(),
        ...limits,
      };
    case 'exec':
      return { type: check.type, command: argv(check.command), ...limits };
  }
}
