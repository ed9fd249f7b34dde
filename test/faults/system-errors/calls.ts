// The system calls of a command, as strace recorded them: which of them can be made to fail, and with what.

/** A call that a command made. */
export interface Call {
  readonly call: string;
  /** How often its thread had made one like it. */
  readonly when: number;
  /** The same, on this path. */
  readonly whenOnPath: number;
  /** The path, or the descriptor's; empty where there is none. */
  readonly path: string;
}

const FILE_SYSTEM = ['ENOSPC', 'EACCES', 'EROFS', 'EIO', 'ENOMEM'];
const REMOVAL = ['EACCES', 'EROFS', 'EIO'];
const LOOK = ['EACCES', 'EIO', 'ENOMEM'];

/** What each call may answer, by its page in section 2 of the manual, as far as it can happen to us. */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  openat: ['EMFILE', 'ENFILE', 'EACCES', 'EIO', 'ENOMEM', 'EINTR'],
  close: ['EIO', 'ENOSPC', 'EINTR'],
  fsync: ['ENOSPC', 'EIO'],
  rename: FILE_SYSTEM,
  symlink: FILE_SYSTEM,
  mkdir: FILE_SYSTEM,
  unlink: REMOVAL,
  rmdir: REMOVAL,
  chmod: ['EPERM', 'EROFS', 'EIO'],
  utimensat: REMOVAL,
  readlink: LOOK,
  statx: LOOK,
  getdents64: ['EIO'],
  clone: ['EAGAIN', 'ENOMEM', 'EMFILE'],
  execve: ['ENOMEM', 'EACCES', 'EIO'],
  pipe2: ['EMFILE', 'ENFILE'],
  socketpair: ['EMFILE', 'ENFILE', 'ENOMEM'],
  socket: ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES'],
  bind: ['EACCES', 'ENOMEM'],
  listen: ['ENOMEM'],
  connect: ['EACCES', 'ENOMEM', 'EINTR'],
  accept4: ['EMFILE', 'ENFILE', 'ENOMEM', 'ECONNABORTED', 'EINTR'],
  kill: ['EPERM'],
};

export const TRACED = Object.keys(ERRORS).join(',');

/** The calls in order; `from` is a path whose opening begins what counts. */
export function callsOf(log: string, from: string | null): readonly Call[] {
  const counts = new Map<string, number>();
  const count = (key: string): number => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts.get(key) ?? 0;
  };
  const calls: Call[] = [];
  let before: ReadonlyMap<string, number> | null = from === null ? new Map() : null;
  const [, main = ''] = /^(\d+)/.exec(log) ?? [];
  for (const line of log.split('\n')) {
    const [, thread = '', call = '', rest = ''] = /^(\d+) +([a-z0-9]+)\((.*)$/.exec(line) ?? [];
    if (call === '' || rest.includes('CLONE_THREAD')) continue;
    const path = pathOf(call, rest);
    const [when, whenOnPath] = [count(`${thread} ${call}`), count(`${thread} ${call} ${path}`)];
    // What another thread does as the first of its kind, the main one did long before our code was there.
    if (before !== null && when > (before.get(`${main} ${call}`) ?? 0)) calls.push({ call, when, whenOnPath, path });
    else if (before !== null && path !== '') calls.push({ call, when: Number.NaN, whenOnPath, path });
    if (before === null && from !== null && rest.includes(from)) before = new Map(counts);
  }
  return calls;
}

/** In rename(2) and symlink(2) what counts is what is made, which is named last. */
function pathOf(call: string, rest: string): string {
  const quoted = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path]) => path as string);
  const descriptor = /^\d+<([^>]*)>/.exec(rest)?.[1];
  if (NAMED_LAST.has(call)) return quoted[1] ?? '';
  return descriptor !== undefined ? descriptor : (quoted[0] ?? '');
}

/**
 * The ways in which the calls may fail. Of calls that look again and again (through /proc, for a socket) the first ones stand for
 * all. write(2) is not among them: by it Node wakes its own threads, and aborts where that fails; a full disk is tried as such.
 */
export function faultsOf(calls: readonly Call[], stateDir: string): readonly PlacedFault[] {
  const times = new Map<string, number>();
  const seen = new Set<string>();
  return calls.flatMap(({ call, when, whenOnPath, path }) => {
    const isOurs = path.startsWith(stateDir);
    // Code that cannot be read is no code.
    if ((call === 'close' || call === 'statx' || call === 'readlink') && !isOurs) return [];
    const file = path.slice(stateDir.length + 1);
    // Of two paths strace's -P goes by the first one.
    const isNamed = isOurs && file !== '' && !TEMP.test(file) && !NAMED_LAST.has(call);
    if (!isNamed && Number.isNaN(when)) return [];
    const at = isOurs ? file.replace(TEMP, '') : path.replace(/\d+/g, 'N');
    const time = (times.get(`${call} ${at}`) ?? 0) + 1;
    times.set(`${call} ${at}`, time);
    if (LOOKS.has(call) && time > LOOKS_TRIED) return [];
    const which = isNamed ? { when: whenOnPath, file } : { when };
    const key = JSON.stringify([call, which]);
    if (seen.has(key)) return [];
    seen.add(key);
    return (ERRORS[call] ?? []).map((error) => ({ call, error, ...which, at }));
  });
}

export interface PlacedFault {
  readonly call: string;
  readonly error: string;
  readonly when: number;
  /** Counted are only the calls on this file of the state dir. */
  readonly file?: string;
  /** What the call is about. */
  readonly at: string;
}

const TEMP = /\.[0-9a-f]{12}\.tmp$/;
const NAMED_LAST: ReadonlySet<string> = new Set(['rename', 'symlink']);
const LOOKS: ReadonlySet<string> = new Set(['openat', 'statx', 'readlink', 'getdents64', 'close']);
const LOOKS_TRIED = 2;
