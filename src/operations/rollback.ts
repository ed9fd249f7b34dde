// Back to the version before: at once while it is warm; from its own directory when that is certainly still it; else it is
// said why not. Never forward: after a rollback the version before is the one before that.
import { monotonicMs } from '../core/clock.ts';
import { type FailureDetails, fail } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { slotToUpdate } from '../core/plan.ts';
import { serve, type Version, versionBefore } from '../core/versions.ts';
import { type App, msSince } from './app.ts';
import { bringUp, prepareStart } from './bring-up.ts';
import { inEmptySlot } from './empty-slot.ts';
import { moveTraffic } from './move-traffic.ts';
import { type Snapshot, settle } from './observe.ts';
import { withStrangers } from './strangers.ts';

type Done = Pick<Outcomes['rollback'], 'from' | 'to' | 'cwd' | 'release' | 'how'>;

/** @throws `cannot-roll-back`, and whatever a start or a switch may fail with; traffic is where it was. */
export async function rollback(app: App, _input: OperationInputs['rollback']): Promise<Outcomes['rollback']> {
  const startedAt = monotonicMs();
  const first = await app.exclusive(async () => {
    const snapshot = await settle(app);
    const { version } = wayBack(app, snapshot);
    const why = await whyNotWarm(app, snapshot, version);
    return why === null ? await switchBack(app, snapshot, version) : { version, why };
  });
  const done = 'how' in first ? first : await startAgain(app, first.version, first.why);
  return { operation: 'rollback', ...done, ms: msSince(startedAt) };
}

interface WayBack {
  readonly version: Version;
  /** A later version was started in the same directory: the code there is that one's. */
  readonly isOverwritten: boolean;
}

/** @throws `cannot-roll-back` when there is no version to return from, or none before it. */
function wayBack(app: App, { active, backends, desired }: Snapshot): WayBack {
  const noted = app.system.versions.read();
  if (desired === 'down' || active === null) throw refuse({ why: 'nothing-serves', before: null, detail: '' });
  // Whoever moved the link may have been killed before it was noted.
  const serving = backends[active];
  const versions = serving === null ? noted : serve(noted, serving);
  const version = versionBefore(versions);
  if (version === null) throw refuse({ why: 'none-before', before: null, detail: '' });
  const later = versions.list.slice(0, versions.list.indexOf(version));
  return { version, isOverwritten: later.some(({ cwd }) => cwd === version.cwd) };
}

/** Null when traffic can be led back to it at once. */
async function whyNotWarm(app: App, { backends }: Snapshot, version: Version): Promise<NotWarm | null> {
  const backend = backends[version.slot];
  if (backend?.instance !== version.instance) {
    const { ended } = version;
    if (ended === null) return { why: 'gone', detail: '' };
    return { why: ended.by === null ? 'died' : 'stopped', detail: ended.at, by: ended.by };
  }
  if (backend.stoppingAt !== null) return { why: 'stopped', detail: backend.stoppingAt, by: null };
  const health = await app.system.probe(backend, 'socket', app.signal);
  return health.ok ? null : { why: 'unready', detail: health.detail };
}

type NotWarm = Pick<FailureDetails['cannot-roll-back'], 'why' | 'detail'> & { readonly by?: string | null };

async function switchBack(app: App, snapshot: Snapshot, { slot, cwd, release }: Version): Promise<Done> {
  const backend = snapshot.backends[slot];
  if (backend === null) throw new Error(`slot ${slot} was found warm and is empty`);
  await moveTraffic(app, snapshot, { backend });
  return { from: snapshot.active, to: slot, cwd, release, how: 'switched' };
}

/** From the directory of the old version, if what is there is certainly that. */
async function startAgain(app: App, version: Version, notWarm: NotWarm): Promise<Done> {
  const { cwd, release } = version;
  return inEmptySlot<Done>(app, {
    async choose(snapshot) {
      // While connections drained, it may have been rolled back, or updated, by somebody else.
      const now = wayBack(app, snapshot);
      if (now.version.instance !== version.instance)
        throw fail('superseded', 'another command moved the traffic meanwhile', { by: 'another command' });
      await assertStillThere(app, now, notWarm);
      return { slot: slotToUpdate(await withStrangers(app, snapshot)) };
    },
    prepare: (slot) => prepareStart(app, slot, cwd),
    async work(slot, snapshot) {
      await using fresh = await bringUp(app, slot, cwd);
      await moveTraffic(app, snapshot, { ...fresh, inPlaceOf: version.instance });
      return { from: snapshot.active, to: slot, cwd, release, how: 'started' };
    },
  });
}

/** @throws `cannot-roll-back` unless its directory is there, was given to no later version, and holds what it held. */
async function assertStillThere(app: App, { version, isOverwritten }: WayBack, notWarm: NotWarm): Promise<void> {
  const { why, detail, by } = notWarm;
  const { slot, cwd, release } = version;
  const before = { slot, cwd, release, stoppedBy: by ?? null };
  const found = await app.system.releaseAt(cwd);
  if (found === null) throw refuse({ why, detail, before: { ...before, directory: 'gone' } });
  if (isOverwritten) throw refuse({ why, detail, before: { ...before, directory: 'same' } });
  if (found.release !== release) throw refuse({ why, detail, before: { ...before, directory: 'changed' } });
}

const refuse = (details: FailureDetails['cannot-roll-back']) =>
  fail('cannot-roll-back', `there is no way back: ${REASONS[details.why]}`, details);

const REASONS: Readonly<Record<FailureDetails['cannot-roll-back']['why'], string>> = {
  'nothing-serves': 'nothing serves',
  'none-before': 'no version before this one is known',
  stopped: 'the version before was stopped',
  died: 'the version before died',
  gone: 'the version before is gone',
  unready: 'the version before is not ready',
};
