import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe } from '../../src/cli/describe.ts';
import { describeFailure } from '../../src/cli/describe-failure.ts';
import { describeOutcome } from '../../src/cli/describe-outcome.ts';
import { isRoutine } from '../../src/cli/routine.ts';
import type { GracefulEvent } from '../../src/core/events.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { EVENTS, FAILURES, failureOf } from './samples.ts';

const CONTROL = /\p{Cc}/u;

for (const event of Object.values<GracefulEvent>(EVENTS)) {
  test(`${event.type} is one printable line`, () => {
    const line = describe(event);
    assert.notEqual(line, '');
    assert.doesNotMatch(line, CONTROL);
    assert.doesNotMatch(line, /undefined|null|NaN|object|unknown event/);
  });
}

test('events read as what happened to a slot', () => {
  assert.equal(describe(EVENTS['backend-started']), 'b: started, pid 42, in /srv/app/releases/7 (release 01234567)');
  assert.equal(describe(EVENTS['backend-ready']), 'b: ready after 3.2 s (200 OK)');
  assert.equal(describe(EVENTS['traffic-switched']), 'b: active now, traffic moved here from a');
  assert.equal(describe(EVENTS['still-waiting']), 'a: still draining after 3.2 s: 2 connections');
  assert.equal(describe(EVENTS['connections-cut']), 'a: 1 connection still open after 30 s: cut off');
});

test('what a probe read from a backend cannot fake a line of ours or move the cursor', () => {
  assert.equal(
    describe({ ...EVENTS['health-failed'], detail: 'bad\r\nb: healthy\u001b[2J\u0007' }),
    'a: health check failed, 2 of 3 in a row: bad b: healthy',
  );
});

for (const failure of FAILURES) {
  test(`${failure.code} says what happened and what to do next`, () => {
    const [what = '', ...rest] = describeFailure(failure, null).split('\n');
    assert.notEqual(what, '');
    assert.ok(
      rest.some((line) => line !== '' && !line.startsWith('  ')),
      'a last line that is not evidence',
    );
    for (const line of [what, ...rest]) assert.doesNotMatch(line, CONTROL);
    assert.doesNotMatch(rest.join('\n'), /undefined|NaN|\[object/);
  });
}

test('a backend that dies early is shown with its last words, harmless to the terminal', () => {
  assert.equal(
    describeFailure(failureOf('backend-exited'), null),
    [
      'b: the backend exited with code 1 after 120 ms, before it was ready',
      '  Last lines of /srv/app/run/app-b.log:',
      '  | Traceback',
      '  | ImportError',
      'Traffic is where it was.',
      'Find the reason in the log, then run the command again.',
    ].join('\n'),
  );
});

test('a backend that listens elsewhere is shown both paths, one above the other', () => {
  const text = describeFailure(failureOf('not-ready'), null);
  assert.ok(text.includes('  listens at: /tmp/x.sock\n  expected:   /srv/app/run/app-b.socket\n'), text);
  assert.ok(text.includes('GRACEFUL_SOCKET'));
});

test('a wrong configuration is named by file, key, finding and nearest key', () => {
  assert.ok(
    describeFailure(failureOf('config'), null).startsWith(
      '/srv/app/graceful.config.json is wrong:\n  helth: found an unknown key, expected a known one (did you mean health?)\n',
    ),
  );
});

const OUTCOMES: readonly (readonly [outcome: Outcome, sentence: string, routine: boolean])[] = [
  [
    { operation: 'start', started: ['a'], alreadyRunning: [], active: 'a', ms: 900 },
    'started a in 900 ms; a is active',
    false,
  ],
  [
    { operation: 'start', started: [], alreadyRunning: ['a', 'b'], active: 'b', ms: 1 },
    'nothing to do: a and b run already; b is active',
    false,
  ],
  [
    { operation: 'stop', stopped: ['a', 'b'], kept: [], active: null, ms: 2_000 },
    'stopped a and b in 2 s; no slot is active',
    false,
  ],
  [
    { operation: 'stop', stopped: [], kept: [{ slot: 'a', reason: 'inactive for 2m only' }], active: 'b', ms: 3 },
    'nothing stopped; kept a: inactive for 2m only',
    false,
  ],
  [{ operation: 'stop', stopped: [], kept: [], active: 'b', ms: 3 }, 'nothing to stop', true],
  [{ operation: 'restart', restarted: ['b'], active: 'a', ms: 3_000 }, 'restarted b in 3 s; a is active', false],
  [
    { operation: 'switch', from: 'a', to: 'b', changed: true, ms: 5 },
    'b is active now; `graceful switch a` takes this back',
    false,
  ],
  [{ operation: 'switch', from: 'b', to: 'b', changed: false, ms: 5 }, 'nothing to do: b is active already', false],
  [
    { operation: 'rollback', from: 'b', to: 'a', cwd: '/srv/app', release: null, how: 'switched', ms: 100 },
    'a serves the version before again after 100 ms; the next update takes the code on disk',
    false,
  ],
  [
    { operation: 'rollback', from: 'b', to: 'a', cwd: '/srv/r/41', release: '41', how: 'started', ms: 1_000 },
    'a serves release 41 again after 1 s, started from /srv/r/41; the next update takes the code on disk',
    false,
  ],
  [
    {
      operation: 'update',
      from: 'a',
      to: 'b',
      release: '/srv/app/releases/8',
      stoppedOld: false,
      watched: null,
      ms: 4_100,
    },
    'b serves release 8 after 4.1 s; a stays warm: `graceful rollback` goes back',
    false,
  ],
  [
    { operation: 'update', from: 'a', to: 'b', release: '8', stoppedOld: true, watched: 'passed', ms: 34_000 },
    'b serves release 8 after 34 s and passed the watch; a is stopped',
    false,
  ],
  [
    { operation: 'update', from: 'a', to: 'b', release: '8', stoppedOld: false, watched: 'cut-short', ms: 9_000 },
    'b serves release 8 after 9 s and is no longer watched; a stays warm: `graceful rollback` goes back',
    false,
  ],
  [
    { operation: 'update', from: null, to: 'a', release: null, stoppedOld: false, watched: null, ms: 4_100 },
    'a serves the new version after 4.1 s',
    false,
  ],
  [
    { operation: 'keepalive', action: 'none', active: 'a', reason: 'a is healthy', ms: 2 },
    'nothing to do: a is healthy',
    true,
  ],
  [
    { operation: 'keepalive', action: 'left-down', active: null, reason: '', ms: 2 },
    'left down: the app was taken down on purpose',
    true,
  ],
  [
    { operation: 'keepalive', action: 'busy', active: 'a', reason: 'update (pid 17)', ms: 2 },
    'nothing done, another operation holds the lock: update (pid 17)',
    false,
  ],
  [
    { operation: 'keepalive', action: 'switched', active: 'b', reason: 'a was dead', ms: 1_000 },
    'repaired in 1 s: traffic moved to b: a was dead',
    false,
  ],
];

test('what an update would do is one printable line for each step, and ends with that nothing was done', () => {
  const text = describeOutcome({
    operation: 'plan',
    desired: 'down',
    from: 'a',
    to: 'b',
    switchFirst: 'a',
    stop: { slot: 'b', pid: 7, cwd: '/srv/app', release: null, connections: { accepted: 1, queued: 0 } },
    cwd: '/srv/app',
    release: '0123456789abcdef0123456789abcdef01234567',
    command: ['node', '\u001b[2Jserver.js'],
    changes: { slot: 'a', cwd: true, release: false, command: null, environment: null },
    hooks: ['beforeStart', 'afterSwitch'],
    stopOld: false,
    watchMs: 30_000,
    busy: { pid: 17, operation: 'update', since: '2025-06-01T03:00:00Z' },
    ms: 12,
  });
  assert.equal(
    text,
    [
      'An update would, as things are now:',
      '  wait for update (pid 17), which holds the lock since 2025-06-01T03:00:00Z',
      '  bring up the app, which was taken down on purpose',
      '  switch to a, since the active backend is not healthy',
      '  run the hook beforeStart',
      '  drain and stop b: pid 7, 1 connection',
      '  start b in /srv/app (release 01234567): node server.js',
      '    compared with a: another directory, perhaps another command line',
      '    the environment of a cannot be read',
      '  send traffic from a to b once it is ready',
      '  run the hook afterSwitch',
      '  watch b for 30 s',
      '  keep a warm',
      'Nothing was done.',
    ].join('\n'),
  );
});

for (const [outcome, sentence, routine] of OUTCOMES) {
  test(`the answer "${sentence}"${routine ? ' is not worth a mail from cron' : ''}`, () => {
    assert.equal(describeOutcome(outcome), sentence);
    assert.equal(isRoutine(outcome), routine);
  });
}

test('a failure after a switch says where the traffic is now', () => {
  const text = describeFailure(failureOf('not-ready'), 'b');
  assert.match(text, /^Traffic had moved to b before that, and stays there\.$/m);
  assert.doesNotMatch(text, /where it was/);
});
