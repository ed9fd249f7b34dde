// The results by what they are of, for the tables: those of the same peer and parameters together, all runs of them.
import type { DeploysResult } from '../measure/deploys.ts';
import type { BrokenResult, KilledBackendResult, KilledManagerResult } from '../measure/faults.ts';
import type { IdleResult } from '../measure/idle-cost.ts';
import type { StatusCost } from '../measure/status-cost.ts';
import { PEERS } from '../peers/all.ts';
import type { Behaviour, LoadKind, Peer } from '../peers/peer.ts';
import type { Result } from '../results.ts';
import type { HistoryMark } from '../scale/history.ts';
import type { SocketsResult } from '../scale/sockets.ts';
import { type WorkersCase, workersCases } from './workers-table.ts';

export interface Case<Data> {
  readonly peer: Peer;
  readonly parameters: Result['parameters'];
  /** In the order of the runs. */
  readonly runs: readonly Data[];
  readonly errors: readonly string[];
}

export interface DeployCase extends Case<DeploysResult> {
  readonly behaviour: Behaviour;
  readonly load: LoadKind;
}

export interface Collected {
  readonly deploys: readonly DeployCase[];
  readonly broken: readonly Case<BrokenResult>[];
  readonly killedManager: readonly Case<KilledManagerResult | null>[];
  readonly killedBackend: readonly Case<KilledBackendResult>[];
  readonly workers: readonly WorkersCase[];
  readonly status: readonly Case<StatusCost | null>[];
  readonly idle: readonly { readonly apps: number; readonly seconds: number; readonly figures: IdleResult }[];
  readonly sockets: readonly SocketsResult[];
  readonly history: readonly HistoryMark[];
  readonly failed: readonly Result[];
}

export function collect(results: readonly Result[]): Collected {
  const ofKind = (kind: string): readonly Result[] => results.filter((result) => result.kind === kind);
  const good = (kind: string): readonly Result[] => ofKind(kind).filter(({ error }) => error === null);
  return {
    deploys: cases<DeploysResult>(ofKind('deploys')).map((one) => ({
      ...one,
      behaviour: one.parameters['behaviour'] as Behaviour,
      load: one.parameters['load'] as LoadKind,
    })),
    broken: cases<BrokenResult>(ofKind('broken')),
    killedManager: cases<KilledManagerResult | null>(ofKind('killed-manager')),
    killedBackend: cases<KilledBackendResult>(ofKind('killed-backend')),
    workers: workersCases(ofKind('workers')),
    status: cases<StatusCost | null>(ofKind('status')),
    idle: good('idle')
      .map(({ parameters, data }) => ({
        apps: Number(parameters['apps']),
        seconds: Number(parameters['seconds']),
        figures: data as IdleResult,
      }))
      .sort((a, b) => a.apps - b.apps),
    sockets: good('sockets')
      .map(({ data }) => data as SocketsResult)
      .sort((a, b) => a.sockets - b.sockets),
    // The longest one has the marks of the others, too.
    history: (good('history').toSorted((a, b) => Number(b.parameters['updates']) - Number(a.parameters['updates']))[0]
      ?.data ?? []) as readonly HistoryMark[],
    failed: results.filter(({ error }) => error !== null),
  };
}

function cases<Data>(results: readonly Result[]): readonly Case<Data>[] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const key = `${result.peer} ${JSON.stringify(result.parameters)}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()]
    .flatMap((group): readonly Case<Data>[] => {
      const peer = PEERS.find(({ id }) => id === group[0]?.peer);
      if (peer === undefined) return [];
      const sorted = group.toSorted((a, b) => a.run - b.run);
      return [
        {
          peer,
          parameters: group[0]?.parameters ?? {},
          runs: sorted.filter(({ error }) => error === null).map(({ data }) => data as Data),
          errors: sorted.flatMap(({ error }) => (error === null ? [] : [error])),
        },
      ];
    })
    .sort((a, b) => PEERS.indexOf(a.peer) - PEERS.indexOf(b.peer));
}

export const lostOf = ({ failures }: DeploysResult): number =>
  failures.refused + failures.reset + failures.timeout + failures.non2xx + failures.wrongBody;

const BEHAVIOURS: Readonly<Record<Behaviour, string>> = { close: 'closes well', exit: 'exits at once' };

export const nameOf = ({ peer }: { readonly peer: Peer }): string =>
  `${peer.title}${peer.proxy === 'nginx keepalive' ? ', nginx keepalive' : ''}`;

export const caseName = (one: DeployCase): string => `${nameOf(one)}, ${BEHAVIOURS[one.behaviour]}`;
export const behaviourName = ({ behaviour }: DeployCase): string => BEHAVIOURS[behaviour];
