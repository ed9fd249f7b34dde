// One verb, one file; each loaded only when it is called, but for the one that cron calls every minute.
import type { OperationName } from '../core/events.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import type { App } from './app.ts';
import { keepalive } from './keepalive.ts';

type Operation<Name extends OperationName> = (app: App, input: OperationInputs[Name]) => Promise<Outcomes[Name]>;

/** An operation without an implementation does not compile. */
export const OPERATIONS: { readonly [Name in OperationName]: () => Promise<Operation<Name>> } = {
  start: async () => (await import('./start.ts')).start,
  stop: async () => (await import('./stop.ts')).stop,
  restart: async () => (await import('./restart.ts')).restart,
  switch: async () => (await import('./switch.ts')).switchTo,
  rollback: async () => (await import('./rollback.ts')).rollback,
  update: async () => (await import('./update.ts')).update,
  plan: async () => (await import('./plan.ts')).plan,
  keepalive: async () => keepalive,
};
