import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { isServing } from '../../src/cli/status-hints.ts';
import { renderStatus } from '../../src/cli/status-table.ts';
import type { SlotStatus, StatusReport } from '../../src/core/status.ts';
import { REPORT } from './samples.ts';

const plain = (report: StatusReport, width = Number.POSITIVE_INFINITY) =>
  renderStatus(report, { colour: false, width, now: Date.parse('2025-06-01T01:00:00Z') });

/** The sample with other facts about a slot. */
const withSlots = (
  report: Partial<StatusReport>,
  a: Partial<SlotStatus>,
  b: Partial<SlotStatus> = {},
): StatusReport => {
  const [first, second] = REPORT.slots as readonly [SlotStatus, SlotStatus];
  return {
    ...REPORT,
    ...report,
    slots: [
      { ...first, ...a },
      { ...second, ...b },
    ],
  };
};

test('status says at a glance what serves and how it is', () => {
  assert.equal(
    plain(REPORT),
    `app  desired up  /srv/app/run/app.socket → app-a.socket  supervisor 812

   SLOT  STATE     PID  UPTIME  CONNECTIONS  MEMORY    CPU  RELEASE   HEALTH
→  a     ready    4242  5m 12s  3 +2 queued  82 MiB  1.2 s  01234567  200 OK (3 ms)
   b     stopped     -       -  -                 -      -  -         -
`,
  );
});

test('colours change no column', () => {
  const coloured = renderStatus(REPORT, { colour: true, width: 100, now: 0 });
  assert.notEqual(coloured, plain(REPORT, 100));
  assert.equal(stripVTControlCharacters(coloured), plain(REPORT, 100));
});

test('a narrow terminal loses the least needed columns first and no line is too long', () => {
  assert.equal(
    plain(REPORT, 60),
    `app  desired up  app.socket → app-a.socket  supervisor 812

   SLOT  STATE     PID  UPTIME  CONNECTIONS  HEALTH
→  a     ready    4242  5m 12s  3 +2 queued  200 OK (3 ms)
   b     stopped     -       -  -            -
`,
  );
  for (let width = 24; width < 120; width += 1) {
    const [, ...lines] = plain(
      withSlots({}, { health: { ok: false, detail: 'connect ECONNREFUSED '.repeat(5), ms: 3 }, state: 'unready' }),
      width,
    ).split('\n');
    const words = lines.filter((line) => !line.includes('`'));
    assert.deepEqual(
      words.filter((line) => [...line].length > width),
      [],
      String(width),
    );
  }
});

test('connections that cannot be counted are a question mark, not a zero', () => {
  assert.match(plain(withSlots({}, { connections: null })), /5m 12s {2}\? /);
});

const hintsOf = (report: StatusReport): string =>
  plain(report)
    .split('\n')
    .filter((line) => line.startsWith('! '))
    .join(' ');

test('an app that is as it should be gets no advice', () => assert.equal(hintsOf(REPORT), ''));

test('an active slot that fails its check, with a ready one beside it: switch', () => {
  const report = withSlots(
    {},
    { state: 'unready', health: { ok: false, detail: 'HTTP 503', ms: 4 } },
    { state: 'ready' },
  );
  assert.equal(
    hintsOf(report),
    '! Nothing ready is serving: the link points to a, which is unready: HTTP 503. ! b is ready: `graceful switch b` sends traffic there.',
  );
  assert.equal(isServing(report), false);
});

test('nothing runs and the app is desired up: start', () => {
  const report = withSlots(
    { active: null, link: { path: '/run/app.socket', target: null } },
    { state: 'stopped', active: false, pid: null },
  );
  assert.equal(
    hintsOf(report),
    '! Nothing ready is serving: there is no link at /run/app.socket. ! Try `graceful start`.',
  );
});

test('a link to something else is named', () => {
  assert.match(
    hintsOf(withSlots({ active: null, link: { path: '/run/app.socket', target: '/etc/passwd' } }, { active: false })),
    /the link points to \/etc\/passwd, which is neither slot/,
  );
});

test('an app taken down on purpose says how to bring it back', () => {
  assert.match(
    hintsOf(withSlots({ desired: 'down', active: null }, { active: false })),
    /taken down on purpose.* a still runs\. `graceful start`/,
  );
});
