// An operation, by the supervisor where one runs, else here: the same events, outcomes and failures either way.
import type { OperationName } from '../core/events.ts';
import type { Caller } from '../core/history.ts';
import type { OperationInputs } from '../core/outcome.ts';
import { type OperationOptions, type RunningOperation, runOperation } from '../hosts/operator.ts';
import type { AppSystem } from '../system/app-system.ts';

export interface Request extends Pick<OperationOptions, 'emit' | 'waitMs'> {
  /** Who asks, for the history; asked for only where it is needed. */
  caller(): Promise<Caller>;
  /** The same in a few words, for a supervisor's journal. */
  readonly by: string;
}

export async function runOnEitherHost<Name extends OperationName>(
  system: AppSystem,
  name: Name,
  input: OperationInputs[Name],
  { emit, waitMs, caller, by }: Request,
): Promise<RunningOperation<Name>> {
  const here = () => runOperation(system, name, input, { emit, waitMs, caller, host: 'one-shot' });
  if ((await system.supervisor()) === null) return here();
  const { runByEither } = await import('../control/client.ts');
  return runByEither(system.paths.control, name, input, { emit, waitMs, by, caller: await caller() }, here);
}
