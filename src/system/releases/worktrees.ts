// `release: git`: each commit that is deployed has a worktree of its own, so that the old version's files stay as they were.
// One that is whole bears a mark in its git directory; what a killed graceful left without it is made anew.
import { existsSync, readdirSync, readlinkSync, realpathSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { appEnvironment } from '../../config/environment.ts';
import { monotonicMs } from '../../core/clock.ts';
import type { Config, GitReleases } from '../../core/config.ts';
import type { EventSink } from '../../core/events.ts';
import { fail } from '../../core/failure.ts';
import { delay } from '../delay.ts';
import { enterGate } from '../gate.ts';
import { endOrphan, runNoted } from '../orphans.ts';
import { listPids } from '../processes/stat.ts';
import type { StatePaths } from '../state-paths.ts';
import { git } from './git.ts';

type GitConfig = Config & { readonly release: GitReleases };

const NAME = /^[0-9a-f]{12}$/;
const POLL_MS = 50;

/** The directory in the commit's worktree that stands for `cwd`. Made unless it is there. */
export async function worktreeOf(
  config: GitConfig,
  paths: StatePaths,
  ref: string | null,
  emit: EventSink,
  signal: AbortSignal,
): Promise<string> {
  const checkout = await git(baseOf(config), ['rev-parse', '--show-toplevel']);
  const wanted = ref ?? 'HEAD';
  if (wanted.startsWith('-')) throw unusable(`--release ${wanted}`, 'it is no commit');
  const commit = await git(checkout, ['rev-parse', '--verify', `${wanted}^{commit}`]);
  const inside = relative(await realpath(checkout), await realpath(config.cwd));
  if (inside.startsWith('..')) throw unusable('release: git', `cwd ${config.cwd} is not in the checkout ${checkout}`);
  const directory = join(config.release.dir, commit.slice(0, 12));
  await using _gate = await enter(config, paths, emit, signal);
  if (!(await isWhole(directory, commit))) {
    const startedAt = monotonicMs();
    emit({ type: 'waiting', for: 'release', timeoutMs: config.release.timeoutMs, detail: directory });
    await make(config, paths, { checkout, commit, directory, inside, signal });
    emit({ type: 'release-prepared', release: commit, directory, ms: Math.round(monotonicMs() - startedAt) });
  }
  const mark = await markOf(directory);
  utimesSync(mark, new Date(), new Date());
  return join(directory, inside);
}

/**
 * Removes all but the last `keep`, by their last use. One in which a process has its working directory stays, and each of `spared`.
 * @throws `release-failed`
 */
export async function removeOldReleases(
  config: GitConfig,
  paths: StatePaths,
  spared: readonly string[],
  emit: EventSink,
): Promise<void> {
  const checkout = await git(baseOf(config), ['rev-parse', '--show-toplevel']);
  await using _gate = await enter(config, paths, emit, new AbortController().signal);
  const used = [...spared, ...workingDirectories()];
  const all = readdirSync(config.release.dir)
    .filter((name) => NAME.test(name))
    .map((name) => realpathSync(join(config.release.dir, name)));
  const withAge = await Promise.all(all.map(async (directory) => ({ directory, at: await lastUse(directory) })));
  const old = withAge.sort((one, other) => other.at - one.at).slice(config.release.keep);
  for (const { directory } of old) {
    if (used.some((path) => path === directory || path.startsWith(`${directory}/`))) continue;
    await remove(checkout, directory);
    emit({ type: 'release-removed', directory });
  }
}

interface Making {
  readonly checkout: string;
  readonly commit: string;
  readonly directory: string;
  /** Path of `cwd` in the checkout. */
  readonly inside: string;
  readonly signal: AbortSignal;
}

async function make(
  config: GitConfig,
  paths: StatePaths,
  { checkout, commit, directory, inside, signal }: Making,
): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(config.release.timeoutMs)]);
  await endOrphan(paths.prepare, paths.slots);
  await remove(checkout, directory);
  try {
    await git(checkout, ['worktree', 'add', '--detach', directory, commit], limit);
    await prepare(config, paths, join(directory, inside), limit);
    writeFileSync(await markOf(directory), '');
  } catch (error) {
    await remove(checkout, directory).catch(() => undefined); // why it was not made is what has to be told
    if (signal.aborted)
      throw fail('aborted', `aborted by ${String(signal.reason)} before the switch`, { by: String(signal.reason) });
    throw error;
  }
}

async function prepare(config: GitConfig, paths: StatePaths, directory: string, stop: AbortSignal): Promise<void> {
  const argv = config.release.prepare;
  if (argv === null) return;
  const end = await runNoted(paths.prepare, {
    argv,
    cwd: directory,
    env: { ...(await appEnvironment(config, process.env)), GRACEFUL_HOOK: 'prepare' },
    slot: 'a',
    socketPath: paths.slots.a.socket,
    stop,
    graceMs: 1_000,
  });
  if (end.exitCode === 0 && !end.wasStopped) return;
  const { timeoutMs } = config.release;
  const reason =
    end.startError ??
    (end.wasStopped
      ? `still running after ${timeoutMs} ms, and ended (release.timeout)`
      : end.signal === null
        ? `exit code ${end.exitCode}`
        : `killed by ${end.signal}`);
  const command = `release.prepare (${argv.join(' ')})`;
  throw fail('release-failed', `${command}: ${reason}`, { command, reason, output: end.output });
}

async function isWhole(directory: string, commit: string): Promise<boolean> {
  if (!existsSync(join(directory, '.git'))) return false;
  try {
    return existsSync(await markOf(directory)) && (await git(directory, ['rev-parse', 'HEAD'])) === commit;
  } catch {
    return false; // half made
  }
}

/** In the worktree's own git directory: it goes with the worktree and is no file of the app's. */
const markOf = async (directory: string): Promise<string> =>
  join(await git(directory, ['rev-parse', '--absolute-git-dir']), 'graceful-release');

async function lastUse(directory: string): Promise<number> {
  try {
    return statSync(await markOf(directory)).mtimeMs;
  } catch {
    return 0; // half made
  }
}

async function remove(checkout: string, directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }); // node_modules may take a while, and a supervisor has other things to do
  await git(checkout, ['worktree', 'prune']);
}

/** One at a time makes or removes releases of this directory; the kernel frees the gate of a killed one. */
async function enter(
  config: GitConfig,
  paths: StatePaths,
  emit: EventSink,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { dir, timeoutMs } = config.release;
  await mkdir(dir, { recursive: true });
  const gateOf = { ...paths, dir, lock: join(dir, 'graceful') };
  const deadline = monotonicMs() + timeoutMs;
  for (let attempt = 0; ; attempt += 1) {
    const gate = await enterGate(gateOf);
    if (gate !== null) return gate;
    if (attempt === 0)
      emit({ type: 'waiting', for: 'release', timeoutMs, detail: 'another update prepares a release' });
    await delay(POLL_MS, signal);
    if (signal.aborted)
      throw fail('aborted', `aborted by ${String(signal.reason)} before the switch`, { by: String(signal.reason) });
    if (monotonicMs() > deadline)
      throw unusable('release: git', `another update has been at work in ${dir} for ${timeoutMs} ms`);
  }
}

/** Of every process that we may see, whoever's it is. */
const workingDirectories = (): readonly string[] =>
  listPids().flatMap((pid) => {
    try {
      return [readlinkSync(`/proc/${pid}/cwd`)];
    } catch {
      return []; // it has gone, or is another user's
    }
  });

const baseOf = ({ file, cwd }: Config): string => (file === null ? cwd : dirname(file));

const unusable = (command: string, reason: string) =>
  fail('release-failed', `${command}: ${reason}`, { command, reason, output: [] });
