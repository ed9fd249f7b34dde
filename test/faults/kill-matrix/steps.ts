// The steps of a command: every system call of its process that changes state, in order, as strace(1) saw them.

/** One system call, told so that strace can be asked to act at it. */
export interface Step {
  readonly syscall: string;
  /** Which one of this name it is in its own thread: what `when=` of strace counts. */
  readonly nth: number;
  /**
   * `after`: the moment before this call is the moment after that one, which can be counted. Of open(2) and write(2) there
   * are many more than those that change state, and never the same number: the moment before an open is meant by the
   * step before it, exactly; that between an open and its write by the count of opens, as nearly as that goes.
   */
  readonly at: 'entering' | 'after';
  /** For people: `rename app-b.backend.json (2)`. */
  readonly label: string;
}

export const CHANGING = [
  ...['openat', 'write', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'symlink', 'symlinkat', 'link'],
  ...['linkat', 'mkdir', 'mkdirat', 'rmdir', 'chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'fchownat', 'lchown'],
  ...['utimensat', 'fsync', 'fdatasync', 'ftruncate', 'kill', 'tgkill', 'clone', 'clone3', 'fork', 'vfork'],
  ...['connect', 'bind', 'listen'],
];

const LINE = /^(\d+) +(\w+)\((.*)$/;

/** The label of the moment between a backend's record and its `go`: a shell waits for it, and nothing else has begun. */
const GO = 'write go';

export const isBeforeGo = ({ label }: Step): boolean => label.startsWith(GO);

/** The calls in a log of `strace -f -y`. */
export function stepsIn(log: string): readonly Step[] {
  const reached = new Map<string, number>();
  const seen = new Map<string, number>();
  let opened: Pick<Step, 'syscall' | 'nth'> | null = null;
  const steps: Step[] = [];
  for (const { syscall, nth, rest } of callsIn(log)) {
    // strace counts in every thread: the first one to come to the number is struck.
    const isFirst = nth > (reached.get(syscall) ?? 0);
    if (isFirst) reached.set(syscall, nth);
    const what = describe(syscall, rest);
    if (what === null || !(isFirst || syscall === 'write')) continue;
    const count = (seen.get(what) ?? 0) + 1;
    seen.set(what, count);
    const label = count === 1 ? what : `${what} (${count})`;
    const before = steps.at(-1);
    // Between the last rename of the record and the `go` nothing else is called.
    if ((syscall === 'openat' || what === GO) && before !== undefined) steps.push({ ...before, at: 'after', label });
    else if (syscall === 'write') steps.push({ ...(opened ?? { syscall, nth }), at: 'after', label });
    else steps.push({ syscall, nth, at: 'entering', label });
    if (syscall === 'openat') opened = { syscall, nth };
  }
  return steps;
}

/** Whether strace came to the step: some thread made its call so many times. */
export const wasReached = (log: string, { syscall, nth }: Step): boolean =>
  callsIn(log).some((call) => call.syscall === syscall && call.nth === nth);

interface Call {
  readonly syscall: string;
  /** Which one of this name it is in its thread. */
  readonly nth: number;
  readonly rest: string;
}

/** Those of children between fork and exec are not the manager's. */
function callsIn(log: string): readonly Call[] {
  const counts = new Map<string, number>();
  const children = new Set<string>();
  return log.split('\n').flatMap((text): readonly Call[] => {
    const [, thread = '', syscall = '', rest = ''] = LINE.exec(text) ?? [];
    if (syscall === '' || children.has(thread)) return [];
    const key = `${thread} ${syscall}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    const child = isFork(syscall) && !rest.includes('CLONE_THREAD') ? / = (\d+)$/.exec(rest)?.[1] : undefined;
    if (child !== undefined) children.add(child);
    return [{ syscall, nth, rest }];
  });
}

/** Every eighth file that is opened at all. */
export const readingStepsIn = (log: string): readonly Step[] => {
  const count = [...log.matchAll(/^\d+ +openat\(/gm)].length;
  return Array.from({ length: Math.floor(count / 8) }, (_, index): Step => {
    const nth = 8 * (index + 1);
    return { syscall: 'openat', nth, at: 'entering', label: `openat, the ${nth}th` };
  });
};

const isFork = (syscall: string): boolean => ['clone', 'clone3', 'fork', 'vfork'].includes(syscall);

/** Null for calls that change nothing: reading, printing, threads, and questions over and over. */
function describe(syscall: string, rest: string): string | null {
  switch (syscall) {
    case 'openat':
      return /O_CREAT|O_TRUNC/.test(rest) ? `openat ${nameIn(rest)}` : null;
    case 'write': {
      if (rest.includes('"go\\n"')) return GO;
      const file = /^\d+<([^>]*)>/.exec(rest)?.[1] ?? '';
      return file.startsWith('/') && file.includes('/run/') ? `write ${plain(file)}` : null;
    }
    case 'clone':
    case 'clone3':
    case 'fork':
    case 'vfork':
      return rest.includes('CLONE_THREAD') ? null : 'fork';
    case 'kill':
      return / 0\)|, 0$/.test(rest) ? null : `kill ${/SIG[A-Z0-9]+/.exec(rest)?.[0] ?? ''}`;
    case 'tgkill':
      return null;
    case 'connect':
      return /sun_path="/.test(rest) ? `connect ${plain(/sun_path="([^"]*)"/.exec(rest)?.[1] ?? '')}` : null;
    case 'bind':
    case 'listen':
      return rest.includes('@"graceful-gate') || syscall === 'listen'
        ? `${syscall} ${rest.includes('.control') ? 'control' : 'gate'}`
        : `bind ${nameIn(rest)}`;
    default:
      return `${syscall} ${nameIn(rest)}`;
  }
}

/** The last path among the arguments: what a rename leads to. */
function nameIn(rest: string): string {
  const quoted = [...rest.matchAll(/"([^"]*)"/g)].map(([, path = '']) => plain(path));
  return quoted.at(-1) ?? plain(/<(\/[^>]*)>/.exec(rest)?.[1] ?? '');
}

/** A temp file under the name of what it will be. */
const plain = (path: string): string =>
  (path.split('/').at(-1) ?? path).replace(/^\.(.*)\.[0-9a-f]{12}\.tmp$/, '$1.tmp');
