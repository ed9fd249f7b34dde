// Which nginx serves here, with what configuration and as whom its workers run: from the running one, where there is one.
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { listProcesses } from '../../system/processes/stat.ts';
import { ask } from '../run-program.ts';
import { allOf, type Directive, parseDump } from './parse.ts';

export interface NginxFacts {
  /** Null where none is installed or running. */
  readonly binary: string | null;
  /** `1.22.1`. */
  readonly version: string | null;
  /** The master that runs with this configuration. */
  readonly masterPid: number | null;
  readonly workerPids: readonly number[];
  /** Null where it could not be read; `problem` says why. */
  readonly directives: readonly Directive[] | null;
  readonly problem: { readonly kind: 'refused' | 'not-allowed'; readonly output: string } | null;
  /** Its `user`, or the one it was compiled with. */
  readonly user: string | null;
}

interface Candidate {
  readonly binary: string;
  readonly args: readonly string[];
  readonly masterPid: number | null;
}

const NONE: NginxFacts = {
  binary: null,
  version: null,
  masterPid: null,
  workerPids: [],
  directives: null,
  problem: null,
  user: null,
};

/** Of several, the one whose configuration names the state dir. */
export async function nginxFacts(file: string | null, stateDir: string): Promise<NginxFacts> {
  const masters = runningMasters();
  const candidates =
    file === null
      ? [...masters, { binary: 'nginx', args: [], masterPid: null }]
      : [masters.find(({ args }) => args.includes(file)) ?? { binary: 'nginx', args: ['-c', file], masterPid: null }];
  let best = NONE;
  for (const candidate of candidates) {
    const facts = await factsOf(candidate);
    if (facts === null) continue;
    if (namesDirectory(facts, stateDir)) return facts;
    if (best === NONE) best = facts;
  }
  return best;
}

const namesDirectory = ({ directives }: NginxFacts, directory: string): boolean =>
  directives !== null &&
  [...allOf(directives)].some(({ args }) => args.some((arg) => arg.includes(`unix:${directory}/`)));

async function factsOf({ binary, args, masterPid }: Candidate): Promise<NginxFacts | null> {
  const about = await ask(binary, ['-V']);
  if (!about.ok) return null;
  const dump = await ask(binary, ['-T', ...args]);
  const directives = dump.ok ? parseDump(dump.stdout) : null;
  return {
    binary,
    version: /nginx\/([\d.]+)/.exec(about.stderr)?.[1] ?? null,
    masterPid,
    workerPids: masterPid === null ? [] : workersOf(masterPid),
    directives,
    problem: dump.ok
      ? null
      : { kind: process.geteuid?.() === 0 ? 'refused' : kindOf(dump.stderr), output: dump.stderr.trim() },
    user:
      directives?.find(({ name }) => name === 'user')?.args[0] ?? /--user=(\S+)/.exec(about.stderr)?.[1] ?? 'nobody',
  };
}

/** Without root, its log and its pid file are out of reach, and that says nothing about the configuration. */
const kindOf = (output: string): 'refused' | 'not-allowed' =>
  /\[emerg\].*\(13: Permission denied\)/.test(output) || !/\[emerg\]/.test(output) ? 'not-allowed' : 'refused';

/** A master says in its title how it was called: `nginx: master process /usr/sbin/nginx -g daemon on;`. */
function runningMasters(): readonly Candidate[] {
  return listProcesses().flatMap(({ pid }) => {
    const words = /^nginx: master process (.+)$/.exec(titleOf(pid))?.[1]?.split(' ');
    if (words === undefined) return [];
    const args = ['-c', '-p', '-e'].flatMap((flag) => {
      const value = words[words.indexOf(flag) + 1];
      return words.includes(flag) && value !== undefined ? [flag, value] : [];
    });
    return [{ binary: executableOf(pid) ?? words[0] ?? 'nginx', args, masterPid: pid }];
  });
}

const workersOf = (master: number): readonly number[] =>
  listProcesses()
    .filter(({ pid, parent }) => parent === master && titleOf(pid).startsWith('nginx: worker process'))
    .map(({ pid }) => pid);

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return ''; // gone meanwhile
  }
}

function executableOf(pid: number): string | null {
  try {
    const path = readlinkSync(`/proc/${pid}/exe`);
    return existsSync(path) ? path : null; // replaced by an upgrade: ` (deleted)`
  } catch {
    return null; // another user's
  }
}
