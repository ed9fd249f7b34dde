// Where and with what the figures were made.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { PEERS } from './peers/all.ts';
import { debianVersion } from './peers/debian.ts';
import type { Peer } from './peers/peer.ts';

export interface Machine {
  readonly at: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  /** One for each part that the run was made in. */
  readonly commands: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

export function machine(command: string, before: Machine | null): Machine {
  const versionOf = (version: () => string): string => {
    try {
      return version();
    } catch {
      return 'not installed';
    }
  };
  const os = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  return {
    at: before?.at ?? new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: os,
    node: process.version,
    commands: [...new Set([...(before?.commands ?? []), command])],
    versions: {
      ...Object.fromEntries(PEERS.map((peer) => [nameOf(peer), versionOf(peer.version)])),
      wrk: debianVersion('wrk'),
      python3: debianVersion('python3'),
    },
  };
}

/** Of the program that the peer is: blue and green are nginx or HAProxy. */
const nameOf = ({ id, title }: Peer): string =>
  id === 'blue-green-haproxy' ? 'HAProxy' : id === 'blue-green-nginx' ? 'nginx' : (title.split(' ')[0] ?? title);
