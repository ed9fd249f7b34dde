// What is wrong with an app, if anything, and what to type. Pure: from the report alone.
import type { SlotStatus, StatusReport } from '../core/status.ts';
import { humanDuration } from './units.ts';

/** True if requests are answered: the exit code of `status` hangs on it. */
export const isServing = ({ slots }: StatusReport): boolean =>
  slots.some(({ active, state }) => active && state === 'ready');

/** One sentence per problem, the worst first; none for an app that is as it should be. */
export const statusHints = (report: StatusReport, now: number): readonly string[] => {
  const running = report.slots.filter(({ state }) => state !== 'stopped');
  if (report.desired === 'down') {
    const left = running.length === 0 ? '' : ` ${running.map(({ name }) => name).join(' and ')} still runs.`;
    return [`The app was taken down on purpose, keepalive leaves it alone.${left} \`graceful start\` brings it up.`];
  }
  const waiting = [...retryHints(report), ...failedUpdate(report, now)];
  if (isServing(report)) return waiting;
  const active = report.slots.find((slot) => slot.active);
  const other = report.slots.find((slot) => !slot.active && slot.state === 'ready');
  return [whatIsWrong(report, active), ...waiting, remedy(report, active, other)];
};

/** What the supervisor waits for: reason, count and next try. */
const retryHints = ({ supervisor }: StatusReport): readonly string[] => {
  if (supervisor === null || supervisor.retry === null) return [];
  const { attempts, reason, nextTryAt } = supervisor.retry;
  const times = attempts === 1 ? 'once' : `${attempts} times`;
  return [`It did not stay up ${times} (${reason}); the supervisor tries again at ${nextTryAt}.`];
};

/** The version that serves is not the one that somebody wanted to put into service. */
const failedUpdate = ({ lastUpdate }: StatusReport, now: number): readonly string[] => {
  if (lastUpdate === null || lastUpdate.result !== 'failed') return [];
  const { operation, at, reason } = lastUpdate;
  const ago = humanDuration(now - Date.parse(at));
  return [`The last ${operation} failed, ${ago} ago: ${reason}. \`graceful history --failed\` shows by whom.`];
};

const whatIsWrong = ({ link }: StatusReport, active: SlotStatus | undefined): string => {
  if (active !== undefined) {
    const why = active.health === null || active.health.ok ? '' : `: ${active.health.detail}`;
    return `Nothing ready is serving: the link points to ${active.name}, which is ${active.state}${why}.`;
  }
  if (link.target !== null)
    return `Nothing ready is serving: the link points to ${link.target}, which is neither slot.`;
  return `Nothing ready is serving: there is no link at ${link.path}.`;
};

const remedy = ({ slots }: StatusReport, active: SlotStatus | undefined, other: SlotStatus | undefined): string => {
  if (other !== undefined) return `${other.name} is ready: \`graceful switch ${other.name}\` sends traffic there.`;
  if (active?.state === 'starting')
    return `${active.name} is starting; \`graceful status --watch\` shows when it is ready.`;
  if (slots.every(({ state }) => state === 'stopped')) return 'Try `graceful start`.';
  return 'Try `graceful keepalive`, or `graceful update` if the code on disk is mended.';
};
