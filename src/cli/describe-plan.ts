// What an update would do, in English: one line for each step, in the order in which it would be taken.
import type { Changes, Outcomes, PlannedStop } from '../core/outcome.ts';
import { shortRelease } from './short-release.ts';
import { printable } from './text.ts';
import { humanDuration } from './units.ts';

export const describePlan = (plan: Outcomes['plan']): string => [...steps(plan)].map(printable).join('\n');

function* steps(plan: Outcomes['plan']): Generator<string> {
  const { to, from, busy, changes } = plan;
  yield 'An update would, as things are now:';
  if (busy !== null) yield `  wait for ${busy.operation} (pid ${busy.pid}), which holds the lock since ${busy.since}`;
  if (plan.desired === 'down') yield '  bring up the app, which was taken down on purpose';
  if (plan.switchFirst !== null) yield `  switch to ${plan.switchFirst}, since the active backend is not healthy`;
  if (plan.hooks.includes('beforeStart')) yield '  run the hook beforeStart';
  if (plan.stop !== null) yield `  drain and stop ${stopped(plan.stop)}`;
  yield `  start ${to} in ${plan.cwd}${named(plan.release)}: ${plan.command.join(' ')}`;
  if (changes !== null) yield* differences(changes);
  yield `  send traffic ${from === null ? `to ${to}` : `from ${from} to ${to}`} once it is ready`;
  if (plan.hooks.includes('afterSwitch')) yield '  run the hook afterSwitch';
  if (plan.watchMs !== null) yield `  watch ${to} for ${humanDuration(plan.watchMs)}`;
  if (from !== null) yield plan.stopOld ? `  drain and stop ${from}` : `  keep ${from} warm`;
  yield 'Nothing was done.';
}

function* differences({ slot, cwd, release, command, environment }: Changes): Generator<string> {
  const others = [
    ...(cwd ? ['another directory'] : []),
    ...(release ? ['another release'] : []),
    ...(command === null ? ['perhaps another command line'] : command ? ['another command line'] : []),
  ];
  yield `    compared with ${slot}: ${others.length === 0 ? 'the same directory, release and command line' : others.join(', ')}`;
  if (environment === null) {
    yield `    the environment of ${slot} cannot be read`;
    return;
  }
  for (const [what, names] of Object.entries(environment))
    if (names.length > 0) yield `    environment, ${what}: ${names.join(' ')}`;
}

function stopped({ slot, pid, release, connections }: PlannedStop): string {
  const count = connections === null ? null : connections.accepted + connections.queued;
  const connected =
    count === null ? 'connections cannot be counted' : count === 1 ? '1 connection' : `${count} connections`;
  return `${slot}: pid ${pid}${named(release)}, ${connected}`;
}

const named = (release: string | null): string => (release === null ? '' : ` (release ${shortRelease(release)})`);
