// The status of an app as a table that says at a glance what serves and how it is.
import pc from 'picocolors';
import type { BackendState, SlotStatus, StatusReport, WorkerStatus } from '../core/status.ts';
import { shortRelease } from './short-release.ts';
import { statusHints } from './status-hints.ts';
import { pad, printable, truncate, visibleWidth, wrap } from './text.ts';
import { humanBytes, humanDuration } from './units.ts';

export interface StatusTableOptions {
  readonly colour: boolean;
  /** Columns of the terminal, Infinity if it is none. */
  readonly width: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The report as text that ends with a newline and takes at most `width` columns, as far as it can be had. */
export const renderStatus = (report: StatusReport, options: StatusTableOptions): string => {
  const paint = pc.createColors(options.colour);
  const hints = statusHints(report, options.now).flatMap((hint) =>
    wrap(printable(hint), options.width - 2).map((line, index) => `${index === 0 ? paint.yellow('!') : ' '} ${line}`),
  );
  return [
    header(report, options, paint),
    '',
    ...tableLines(report, options, paint),
    ...(hints.length === 0 ? [] : ['', ...hints]),
    '',
  ].join('\n');
};

type Paint = ReturnType<typeof pc.createColors>;

const header = (
  { name, desired, link, supervisor }: StatusReport,
  { width }: StatusTableOptions,
  { bold, yellow }: Paint,
): string => {
  const wish = `desired ${desired}`;
  const supervised = supervisor === null ? 'no supervisor' : `supervisor ${supervisor.pid}`;
  const roomForLink = width - [name, wish, supervised].join(SEPARATOR).length - SEPARATOR.length;
  const arrow = ` → ${link.target ?? 'nothing'}`;
  const path =
    printable(link.path + arrow).length <= roomForLink ? link.path : (link.path.split('/').at(-1) ?? link.path);
  return [bold(name), desired === 'down' ? yellow(wish) : wish, printable(path + arrow), supervised].join(SEPARATOR);
};

const SEPARATOR = '  ';

interface Column {
  readonly title: string;
  readonly cell: (slot: SlotStatus, options: StatusTableOptions, paint: Paint) => string;
  /** The same of one of its workers, in a line below. */
  readonly worker?: (worker: WorkerStatus, options: StatusTableOptions, paint: Paint) => string;
  /** Numbers stand right. */
  readonly right?: boolean;
  /** The highest goes first when the terminal is too narrow; without, the column always stays. */
  readonly drop?: number;
}

const COLUMNS: readonly Column[] = [
  { title: '', cell: ({ active }, _, { green, bold }) => (active ? bold(green('→')) : '') },
  {
    title: 'SLOT',
    cell: ({ name, active }, _, { bold }) => (active ? bold(name) : name),
    worker: ({ index }, _, { dim }) => dim(` ${index}`),
  },
  {
    title: 'STATE',
    cell: ({ state }, _, paint) => stateColour(state, paint)(state),
    worker: (_, __, { dim }) => dim('worker'),
  },
  {
    title: 'PID',
    cell: ({ pid }) => (pid === null ? NONE : String(pid)),
    worker: ({ pid }) => String(pid),
    right: true,
    drop: 1,
  },
  {
    title: 'UPTIME',
    cell: (slot, { now }) => uptime(slot, now),
    worker: ({ uptimeMs }) => humanDuration(uptimeMs),
    right: true,
    drop: 2,
  },
  { title: 'CONNECTIONS', cell: connections, drop: 4 },
  {
    title: 'MEMORY',
    cell: ({ rssBytes }) => (rssBytes === null ? NONE : humanBytes(rssBytes)),
    worker: ({ rssBytes }) => humanBytes(rssBytes),
    right: true,
    drop: 5,
  },
  {
    title: 'CPU',
    cell: ({ cpuMs }) => (cpuMs === null ? NONE : humanDuration(cpuMs)),
    worker: ({ cpuMs }) => humanDuration(cpuMs),
    right: true,
    drop: 7,
  },
  { title: 'RELEASE', cell: ({ release }) => (release === null ? NONE : printable(shortRelease(release))), drop: 6 },
  { title: 'HEALTH', cell: health, drop: 3 },
];

const isWorker = (row: SlotStatus | WorkerStatus): row is WorkerStatus => 'index' in row;

const NONE = '-';

/** The last column may be cut to this before another one goes. */
const NARROWEST_HEALTH = 18;

function connections({ connections: counted, pid }: SlotStatus): string {
  if (counted === null) return pid === null ? NONE : '?';
  return counted.queued === 0 ? String(counted.accepted) : `${counted.accepted} +${counted.queued} queued`;
}

function health({ health: probed }: SlotStatus, _: StatusTableOptions, { red }: Paint): string {
  if (probed === null) return NONE;
  const text = `${printable(probed.detail)} (${humanDuration(probed.ms)})`;
  return probed.ok ? text : red(text);
}

const uptime = ({ uptimeMs, startedAt }: SlotStatus, now: number): string => {
  const ms = uptimeMs ?? (startedAt === null ? null : now - Date.parse(startedAt));
  return ms === null ? NONE : humanDuration(ms);
};

const stateColour = (state: BackendState, { green, red, yellow, dim }: Paint): ((text: string) => string) => {
  const colours: Readonly<Record<BackendState, (text: string) => string>> = {
    ready: green,
    starting: yellow,
    stopping: yellow,
    unready: red,
    stopped: dim,
  };
  return colours[state];
};

const tableLines = ({ slots }: StatusReport, options: StatusTableOptions, paint: Paint): readonly string[] => {
  const rows = slots.flatMap((slot) => [slot, ...slot.workers]);
  const filled = COLUMNS.map((column) => {
    const cells = rows.map((row) =>
      isWorker(row) ? (column.worker?.(row, options, paint) ?? '') : column.cell(row, options, paint),
    );
    return { ...column, cells, width: Math.max(...[column.title, ...cells].map(visibleWidth)) };
  });
  const columns = fit(filled, options.width);
  const line = (cellOf: (column: Filled) => string): string =>
    columns
      .map((column) =>
        column.right === true
          ? ' '.repeat(column.width - visibleWidth(cellOf(column))) + cellOf(column)
          : pad(cellOf(column), column.width),
      )
      .join(SEPARATOR)
      .trimEnd();
  return [
    line(({ title }) => paint.dim(title)),
    ...rows.map((_, index) => line(({ cells }) => cells[index] ?? '')),
  ].map((text) => clip(text, options.width));
};

type Filled = Column & { readonly cells: readonly string[]; readonly width: number };

/** Leaves out columns, the least needed first, until the rest fits with a last one that is at least readable. */
const fit = (columns: readonly Filled[], width: number): readonly Filled[] => {
  const needed = columns.reduce(
    (sum, column) =>
      sum + SEPARATOR.length + (column.title === 'HEALTH' ? Math.min(column.width, NARROWEST_HEALTH) : column.width),
    -SEPARATOR.length,
  );
  if (needed <= width) return columns;
  const victim = columns.reduce<Filled | null>(
    (worst, column) => ((column.drop ?? 0) > (worst?.drop ?? 0) ? column : worst),
    null,
  );
  return victim === null
    ? columns
    : fit(
        columns.filter((column) => column !== victim),
        width,
      );
};

/** Cuts a line that is too long. Its colours go with it: a cut colour code would stain the rest of the screen. */
const clip = (line: string, width: number): string =>
  visibleWidth(line) <= width ? line : truncate(printable(line), width);
