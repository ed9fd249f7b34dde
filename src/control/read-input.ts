// What a request to the control socket asks for: unknown in, an operation's input or the reason why not out.
import type { OperationName } from '../core/events.ts';
import type { Caller } from '../core/history.ts';
import type { OperationInputs } from '../core/outcome.ts';
import { isSlot } from '../core/slot.ts';

export type Asked =
  | {
      readonly operation: OperationName;
      readonly input: OperationInputs[OperationName];
      readonly waitMs: number;
      readonly by: string;
      /** Null from a program that does not say. */
      readonly caller: Caller | null;
    }
  | { readonly status: 400 | 404; readonly refusal: string };

const DEFAULT_WAIT_MS = 60_000;
const MAX_WAIT_MS = 2 ** 31 - 1;
const MAX_BY = 200;
const MAX_CALLER = 300;
const ANYBODY = 'the control socket';

/** The input of each operation when nothing is said; its keys and their types are all that is accepted. */
const DEFAULTS: { readonly [Name in OperationName]: OperationInputs[Name] } = {
  start: { slots: [], all: false, release: null },
  stop: { slots: [], all: false, inactive: false, olderThanMs: null, force: false },
  restart: { slots: [], all: false, inactive: false },
  switch: { slot: null },
  rollback: {},
  update: { stopOld: false, watchMs: null, release: null },
  plan: { stopOld: false, watchMs: null, release: null },
  keepalive: {},
};

export function readInput(name: string, body: string): Asked {
  if (!Object.hasOwn(DEFAULTS, name))
    return {
      status: 404,
      refusal: `there is no operation ${JSON.stringify(name.slice(0, 40))}; there are ${Object.keys(DEFAULTS).join(', ')}`,
    };
  const operation = name as OperationName;
  let request: unknown;
  try {
    request = body.trim() === '' ? {} : JSON.parse(body);
  } catch {
    return { status: 400, refusal: 'the request body is not JSON' };
  }
  if (!isObject(request))
    return { status: 400, refusal: 'the request body has to be an object such as {"input":{},"waitMs":60000}' };
  const { input = {}, waitMs = DEFAULT_WAIT_MS, by = ANYBODY, caller = null, ...others } = request;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined)
    return { status: 400, refusal: `unknown key ${JSON.stringify(stranger)}; there are input, waitMs, by, caller` };
  if (typeof waitMs !== 'number' || !(waitMs >= 0))
    return { status: 400, refusal: 'waitMs has to be a number of milliseconds' };
  if (typeof by !== 'string') return { status: 400, refusal: 'by has to be a string' };
  if (caller !== null && !isCaller(caller))
    return { status: 400, refusal: 'caller has to be an object with user, sudoUser, pid, via and command' };
  const problem = isObject(input) ? problemWith(operation, input) : 'input has to be an object';
  if (problem !== null) return { status: 400, refusal: problem };
  return {
    operation,
    input: { ...DEFAULTS[operation], ...(input as object) } as OperationInputs[OperationName],
    waitMs: Math.min(waitMs, MAX_WAIT_MS),
    by: by.slice(0, MAX_BY),
    caller,
  };
}

/** Who asks for an abort; said in the failure. */
export function readBy(body: string): string {
  try {
    const { by } = JSON.parse(body) as { by?: unknown };
    return typeof by === 'string' ? by.slice(0, MAX_BY) : ANYBODY;
  } catch {
    return ANYBODY; // nothing, or not JSON: that it is asked for is all that counts
  }
}

function problemWith(operation: OperationName, input: Record<string, unknown>): string | null {
  for (const [key, value] of Object.entries(input)) {
    if (!Object.hasOwn(DEFAULTS[operation], key))
      return `unknown input ${JSON.stringify(key)} for ${operation}; there are ${Object.keys(DEFAULTS[operation]).join(', ') || 'none'}`;
    const problem = CHECKS[key]?.(value) ?? null;
    if (problem !== null) return `input.${key} has to be ${problem}`;
  }
  return problemWithChoice(operation, input);
}

/** Slots, "all" and "inactive" are three answers to one question, as on the command line. */
function problemWithChoice(operation: OperationName, input: Record<string, unknown>): string | null {
  if (operation !== 'start' && operation !== 'stop' && operation !== 'restart') return null;
  const { slots = [], all, inactive, olderThanMs = null } = input;
  const chosen = [(slots as readonly unknown[]).length > 0, all === true, inactive === true].filter(Boolean).length;
  if (chosen > 1) return `${operation} takes slots, "all" or "inactive", and not two of them`;
  if (chosen === 0 && operation !== 'start') return `${operation} needs slots, "all" or "inactive"`;
  return olderThanMs === null || inactive === true ? null : 'input.olderThanMs is for "inactive"';
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCaller = (value: unknown): value is Caller => {
  if (!isObject(value)) return false;
  const { user, sudoUser, pid, via, command, ...others } = value;
  const isShort = (text: unknown): boolean => typeof text === 'string' && text.length <= MAX_CALLER;
  return (
    [user, sudoUser, via].every((text) => text === null || isShort(text)) &&
    (pid === null || Number.isSafeInteger(pid)) &&
    isShort(command) &&
    Object.keys(others).length === 0
  );
};
const isSlotValue = (value: unknown): boolean => typeof value === 'string' && isSlot(value);
const isDelay = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= MAX_WAIT_MS;
const flag = (value: unknown): string | null => (typeof value === 'boolean' ? null : 'true or false');

const CHECKS: Readonly<Record<string, (value: unknown) => string | null>> = {
  slots: (value) =>
    Array.isArray(value) && value.every(isSlotValue) && new Set(value).size === value.length
      ? null
      : 'a list of "a" and "b"',
  slot: (value) => (value === null || isSlotValue(value) ? null : '"a", "b" or null'),
  olderThanMs: (value) =>
    value === null || (typeof value === 'number' && value >= 0) ? null : 'a number of milliseconds or null',
  watchMs: (value) => (value === null || (isDelay(value) && value > 0) ? null : 'a number of milliseconds or null'),
  release: (value) => (value === null || (typeof value === 'string' && value !== '') ? null : 'a string or null'),
  all: flag,
  inactive: flag,
  force: flag,
  stopOld: flag,
};
