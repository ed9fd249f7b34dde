// One call of one command fails: the command succeeds all the same, or ends in a clear failure with the old version serving.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Excuse } from '../kit/excuses.ts';
import { watch } from '../kit/invariants.ts';
import { Missed } from '../kit/missed.ts';
import type { Case } from '../kit/suite.ts';
import { callsOf, faultsOf, type PlacedFault } from './calls.ts';
import type { TriedCommand } from './commands.ts';
import { assertSound } from './sound.ts';
import { type HostName, OUR_CODE, openTraced, type TracedApp } from './tracers.ts';

export const APP = { env: { APP_ON_SIGTERM: 'exit' } };

/** The faults that a command can meet, in the order of its calls. */
export async function faultsFor(command: TriedCommand, host: HostName): Promise<readonly PlacedFault[]> {
  await using traced = await open(command, host);
  const run = await traced.traced({ records: true }, command.args, () => void command.accident?.(traced.app));
  assert.equal(run.code, 0, `${command.name} without a fault: ${run.stdout}${run.stderr}`);
  const calls = callsOf(readFileSync(traced.log, 'utf8'), host === 'one-shot' ? OUR_CODE : null);
  return faultsOf(calls, traced.app.stateDir);
}

export function caseFor(command: TriedCommand, host: HostName, fault: PlacedFault): Case {
  const { call, error, when, file, at } = fault;
  return {
    row: `${command.name}, ${host}: a call that fails`,
    name: `${command.name}, ${host}: ${call} ${when} ${error} ${at}`,
    tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear'],
    async run() {
      await using traced = await open(command, host);
      const { app } = traced;
      const before = app.active() === null ? null : (await app.get('/')).version;
      app.deploy('2', APP.env);
      await using witness = await watch(app, { clients: 1 });
      let accident: Excuse | null = null;
      const run = await traced.traced(
        { fault: { call, error, when, ...(file === undefined ? {} : { path: app.file(file) }) } },
        command.args,
        () => {
          accident = command.accident?.(app) ?? null;
        },
      );
      const hits = readFileSync(traced.log, 'utf8')
        .split('\n')
        .filter((line) => line.includes('INJECTED'));
      // It was counted, and met a file that was only read: closing that never fails, and Node aborts where it does.
      if (call === 'close' && hits.some((hit) => !hit.includes(app.stateDir)))
        throw new Missed('another file was closed this time');
      await assertSound(command, traced, {
        run,
        before,
        witness,
        what: `${host} ${call} ${when} ${error}`,
        how: hits.join('\n'),
        accident,
      });
      if (hits.length === 0) throw new Missed('the call was not made this time');
    },
  };
}

export async function open(command: TriedCommand, host: HostName): Promise<TracedApp & AsyncDisposable> {
  const traced = await openTraced(host, APP);
  await command.prepare(traced.app);
  return traced;
}
