// SIGKILL at every step: of graceful, of the supervisor, of the active backend and of the other one, at each system call that
// changes state, of every command in every situation. And update after update, with a death in the middle of most of them.
import { everyNth, LONG_SHARE, SEED } from '../kit/seed.ts';
import type { Case, Form, Suite } from '../kit/suite.ts';
import { DEEDS, type Deed, STARTS, type Victim } from './deeds.ts';
import { generations } from './generations.ts';
import { killBackend, titleOfBackend } from './kill-backend.ts';
import { killManager, type Next, titleOfManager } from './kill-manager.ts';
import { recordSteps } from './record.ts';
import type { Host } from './stage.ts';
import { isBeforeGo, type Step } from './steps.ts';

/** Of the steps, in the short form: one in so many. In the long form each, or what --share says. */
const SHARE = { manager: 31, backend: 60, waiting: 3 };

const HOSTS: readonly Host[] = ['one-shot', 'supervised'];
const VICTIMS: readonly Victim[] = ['active', 'other'];

const GENERATIONS: readonly Case[] = [generations('one-shot'), generations('supervised')];

export const suite: Suite = {
  name: 'kill matrix',
  concurrency: 4,
  async *cases(form, only = '') {
    const all: readonly { readonly deed: Deed; readonly host: Host }[] = [
      ...DEEDS.flatMap((deed, index) =>
        (form === 'long' || only !== '' ? HOSTS : ofShort(index)).map((host) => ({ deed, host })),
      ),
      ...STARTS.map((deed) => ({ deed, host: 'starting' as const })),
    ];
    const deeds = meant(all, only);
    const record = (index: number): Promise<readonly Step[]> | null => {
      const next = deeds[index];
      const steps = next === undefined ? null : recordSteps(next.deed, next.host);
      steps?.catch(() => undefined); // for whoever waits for it
      return steps;
    };
    yield* GENERATIONS;
    // One ahead: while the cases of one deed run, the next one is recorded.
    let ahead = record(0);
    for (const [index, { deed, host }] of deeds.entries()) {
      const steps = (await ahead) ?? [];
      ahead = record(index + 1);
      yield* casesOf(deed, host, steps, form);
    }
  },
};

/** In the short form each deed is tried on one host; the next seed takes the other. */
const ofShort = (deed: number): readonly Host[] => HOSTS.filter((_, host) => host === (deed + SEED) % HOSTS.length);

function* casesOf(deed: Deed, host: Host, steps: readonly Step[], form: Form): Iterable<Case> {
  const share = (all: readonly Step[], one: number, what: string): readonly Step[] =>
    everyNth(all, form === 'long' ? LONG_SHARE : one, `${deed.name} ${host} ${what}`);
  const [waiting, others] = [steps.filter(isBeforeGo), steps.filter((step) => !isBeforeGo(step))];
  const nexts = nextsOf(deed);
  for (const [index, step] of share(others, SHARE.manager, 'manager').entries())
    for (const next of form === 'long' ? nexts : [nexts[(index + SEED) % nexts.length] as Next])
      yield killManager(deed, host, step, next);
  // In the short form the backends of every other deed, and of the others the one that waits; another seed takes the others.
  const turn = DEEDS.findIndex(({ name }) => name === deed.name) + (SEED >> 1);
  const takes = (which: 0 | 1): boolean => form === 'long' || host === 'starting' || turn % 2 === which;
  if (takes(0))
    for (const step of share(waiting, SHARE.waiting, 'go')) yield killManager(deed, host, step, 'keepalive');
  if (host === 'starting') return;
  if (takes(1))
    for (const step of share(waiting, SHARE.waiting, 'waiting')) yield killBackend(deed, host, 'other', step);
  if (!takes(0)) return;
  for (const victim of VICTIMS)
    for (const step of share(whileThereIs(victim, deed, others), SHARE.backend, victim))
      yield killBackend(deed, host, victim, step);
}

/** Only where nothing serves to begin with may nothing serve after it; `keepalive` itself is both. */
const nextsOf = ({ mayRefuse, desired, args }: Deed): readonly Next[] =>
  mayRefuse !== null && desired === 'up' && !args.includes('keepalive') ? ['keepalive', 'again'] : ['keepalive'];

/** The steps at which there is somebody to kill: from the beginning, or since the deed has started or linked him. */
function whileThereIs(victim: Victim, { running }: Deed, steps: readonly Step[]): readonly Step[] {
  const exact = steps.filter(({ at }) => at === 'entering');
  if (running.includes(victim)) return exact;
  const forked = exact.findIndex(({ label }) => label === 'fork');
  const linked = exact.findIndex(({ label }) => label === 'rename app.socket');
  if (linked === -1) return [];
  return victim === 'active' ? exact.slice(linked) : exact.slice(forked, linked);
}

/** Those whose rows or cases `only` can mean; all, where it speaks of steps. What is not meant is not recorded either. */
function meant<T extends { readonly deed: Deed; readonly host: Host }>(all: readonly T[], only: string): readonly T[] {
  const found = all.filter(({ deed, host }) =>
    [titleOfManager(deed, host), ...VICTIMS.map((victim) => titleOfBackend(deed, host, victim))].some(
      (title) => title.includes(only) || only.startsWith(title),
    ),
  );
  const isOther = GENERATIONS.some(({ row, name }) => row.includes(only) || name.includes(only));
  return found.length > 0 || isOther ? found : all;
}
