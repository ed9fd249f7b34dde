// Everything that is measured, in the order in which it is: run by run, so that what the machine does meanwhile falls on all
// peers alike.

import { measureDeploys } from './measure/deploys.ts';
import { measureBroken, measureKilledBackend, measureKilledManager } from './measure/faults.ts';
import { measureIdle } from './measure/idle-cost.ts';
import { measureStatus } from './measure/status-cost.ts';
import { measureWorkers } from './measure/workers.ts';
import { PEERS } from './peers/all.ts';
import { CREWS, type Crew } from './peers/crews.ts';
import type { Behaviour, Broken, LoadKind, Peer } from './peers/peer.ts';
import { measureHistory } from './scale/history.ts';
import { measureSockets } from './scale/sockets.ts';

export interface Measurement {
  readonly id: string;
  readonly kind:
    | 'deploys'
    | 'broken'
    | 'killed-manager'
    | 'killed-backend'
    | 'workers'
    | 'status'
    | 'idle'
    | 'sockets'
    | 'history';
  readonly peer: string | null;
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly run: number;
  /** About how long it takes. */
  readonly seconds: number;
  measure(): Promise<unknown>;
}

export interface Extent {
  readonly runs: number;
  readonly quick: boolean;
  readonly updates: number;
}

interface Load {
  readonly kind: LoadKind;
  readonly seconds: number;
  readonly deploys: number;
}

const BROKEN: readonly Broken[] = ['exits', 'never-listens', 'errors'];

export function planOf({ runs, quick, updates }: Extent): readonly Measurement[] {
  // The whole of it fits into an hour because the mix, in which the same is to be seen, gets half the time.
  const loads: readonly Load[] = quick
    ? [{ kind: 'fast', seconds: 4, deploys: 2 }]
    : [
        { kind: 'fast', seconds: 20, deploys: 6 },
        { kind: 'mix', seconds: 10, deploys: 3 },
      ];
  const all: Measurement[] = [];
  for (let run = 1; run <= runs; run += 1)
    for (const load of loads)
      for (const peer of PEERS)
        for (const behaviour of quick ? peer.behaviours.slice(0, 1) : peer.behaviours)
          all.push(deploys(peer, behaviour, load, run));
  const faulty = PEERS.filter(
    ({ id, proxy, language }) => proxy !== 'nginx keepalive' && (language === 'node' || id === 'gunicorn'),
  );
  for (const peer of faulty)
    for (const broken of quick ? BROKEN.slice(0, 1) : BROKEN) all.push(brokenVersion(peer, broken));
  for (let run = 1; run <= runs; run += 1) for (const peer of faulty) all.push(killedManager(peer, run));
  for (let run = 1; run <= runs; run += 1)
    for (const peer of faulty)
      for (const when of peer.ours && !quick ? (['warm', 'alone'] as const) : (['alone'] as const))
        all.push(killedBackend(peer, when, run));
  for (let run = 1; run <= runs; run += 1)
    for (const count of quick ? [2] : [2, 4])
      for (const crew of CREWS) all.push(workers(crew, count, quick ? 2 : 8, run));
  for (let run = 1; run <= runs; run += 1)
    for (const peer of faulty.filter(({ id }) => HAS_STATUS.test(id))) all.push(status(peer, quick ? 5 : 15, run));
  for (const apps of quick ? [1, 10] : [1, 10, 50]) all.push(idle(apps, quick ? 10 : 60));
  for (const count of quick ? [100, 5_000] : [100, 10_000, 50_000]) all.push(sockets(count, quick ? 1 : 4));
  all.push(history(updates));
  return all;
}

const HAS_STATUS = /^graceful|^pm2$|^supervisord$/;

const deploys = (peer: Peer, behaviour: Behaviour, load: Load, run: number): Measurement => ({
  id: `deploys/${peer.id}/${behaviour}/${load.kind}/${run}`,
  kind: 'deploys',
  peer: peer.id,
  parameters: { behaviour, load: load.kind, deploys: load.deploys, seconds: load.seconds },
  run,
  // pm2 takes its time to start, and requests that it never answers are waited for.
  seconds: load.seconds + (peer.id.startsWith('pm2') ? 6 : 1.5),
  measure: () => measureDeploys(peer, { behaviour, load: load.kind, deploys: load.deploys, seconds: load.seconds }),
});

const brokenVersion = (peer: Peer, broken: Broken): Measurement => ({
  id: `broken/${peer.id}/${broken}/1`,
  kind: 'broken',
  peer: peer.id,
  parameters: { broken },
  run: 1,
  seconds: 9,
  measure: () => measureBroken(peer, broken),
});

const killedManager = (peer: Peer, run: number): Measurement => ({
  id: `killed-manager/${peer.id}/${run}`,
  kind: 'killed-manager',
  peer: peer.id,
  parameters: {},
  run,
  seconds: 9,
  measure: () => measureKilledManager(peer),
});

const killedBackend = (peer: Peer, when: 'warm' | 'alone', run: number): Measurement => ({
  id: `killed-backend/${peer.id}/${when}/${run}`,
  kind: 'killed-backend',
  peer: peer.id,
  parameters: { when },
  run,
  seconds: 6,
  measure: () => measureKilledBackend(peer, when),
});

const workers = (crew: Crew, count: number, seconds: number, run: number): Measurement => ({
  id: `workers/${crew.id}/${count}/${run}`,
  kind: 'workers',
  peer: crew.id,
  parameters: { workers: count, seconds },
  run,
  seconds: 2 * seconds + 6,
  measure: () => measureWorkers(crew, count, seconds),
});

const status = (peer: Peer, times: number, run: number): Measurement => ({
  id: `status/${peer.id}/${run}`,
  kind: 'status',
  peer: peer.id,
  parameters: { times },
  run,
  seconds: 8,
  measure: () => measureStatus(peer, times),
});

const idle = (apps: number, seconds: number): Measurement => ({
  id: `idle/${apps}/1`,
  kind: 'idle',
  peer: null,
  parameters: { apps, seconds },
  run: 1,
  seconds: seconds + 10 + apps / 2,
  measure: () => measureIdle(apps, seconds),
});

const sockets = (count: number, seconds: number): Measurement => ({
  id: `sockets/${count}/1`,
  kind: 'sockets',
  peer: null,
  parameters: { count },
  run: 1,
  seconds: 10 + count / 2_000,
  measure: () => measureSockets(count, seconds),
});

const history = (updates: number): Measurement => ({
  id: `history/${updates}/1`,
  kind: 'history',
  peer: null,
  parameters: { updates },
  run: 1,
  seconds: 60 + updates * 0.1,
  measure: () => measureHistory(updates),
});
