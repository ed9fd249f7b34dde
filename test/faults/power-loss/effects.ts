// What a command does to its state dir, in order, as strace saw it.
import { basename, dirname } from 'node:path';

/** Names are those of files in the state dir; `.` is the directory itself. */
export type Effect =
  | { readonly type: 'mkdir' | 'rmdir' | 'unlink' | 'create' | 'bind'; readonly name: string }
  | { readonly type: 'write'; readonly name: string; readonly text: string }
  | { readonly type: 'fsync'; readonly name: string }
  | { readonly type: 'symlink'; readonly name: string; readonly target: string }
  | { readonly type: 'rename'; readonly name: string; readonly to: string };

/** The calls that strace has to record for this. */
export const RECORDED = 'openat,write,fsync,rename,unlink,symlink,mkdir,rmdir,chmod';

export function effectsOf(log: string, stateDir: string): readonly Effect[] {
  const effects: Effect[] = [];
  const bound = new Set<string>();
  for (const { call, args } of completed(log)) {
    const effect = effectOf(call, args, stateDir);
    if (effect === null) continue;
    // The backend itself is not traced. Its socket is there when its mode is set, and stays until it is removed.
    if (effect.type === 'bind') {
      if (bound.has(effect.name)) continue;
      bound.add(effect.name);
    } else if (effect.type === 'unlink') bound.delete(effect.name);
    effects.push(effect);
  }
  return effects;
}

function effectOf(call: string, args: string, stateDir: string): Effect | null {
  const [first = '', second = ''] = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => unescaped(text ?? ''));
  const inDir = (path: string): string | null =>
    path === stateDir ? '.' : dirname(path) === stateDir ? basename(path) : null;
  const ofDescriptor = inDir(/^\d+<([^>]*)>/.exec(args)?.[1] ?? '');
  if (call === 'write') return ofDescriptor === null ? null : { type: 'write', name: ofDescriptor, text: first };
  if (call === 'fsync') return ofDescriptor === null ? null : { type: 'fsync', name: ofDescriptor };
  const name = inDir(call === 'symlink' ? second : first);
  if (name === null) return null;
  switch (call) {
    case 'openat':
      return args.includes('O_CREAT') ? { type: 'create', name } : null;
    case 'mkdir':
    case 'rmdir':
    case 'unlink':
      return { type: call, name };
    case 'symlink':
      return { type: 'symlink', name, target: first };
    case 'rename':
      return { type: 'rename', name, to: inDir(second) ?? second };
    case 'chmod':
      return name.endsWith('.socket') ? { type: 'bind', name } : null;
    default:
      return null;
  }
}

/** The calls that succeeded; one that another thread's came in between of is put together again. */
function* completed(log: string): Generator<{ readonly call: string; readonly args: string }> {
  const begun = new Map<string, string>();
  for (const line of log.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text)?.[1];
    if (unfinished !== undefined) {
      begun.set(thread, unfinished);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    const whole = resumed === undefined ? text : `${begun.get(thread) ?? ''}${resumed}`;
    const [, call, args] = /^(\w+)\((.*)\) += \d+/.exec(whole) ?? [];
    if (call !== undefined && args !== undefined) yield { call, args };
  }
}

/** As strace writes strings: C escapes, octal where not printable. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:([0-7]{1,3})|(.))/g, (_, octal: string | undefined, letter: string | undefined) =>
    octal !== undefined
      ? String.fromCharCode(Number.parseInt(octal, 8))
      : ({ n: '\n', t: '\t', r: '\r' }[letter ?? ''] ?? letter ?? ''),
  );
