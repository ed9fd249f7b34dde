// What the package exports: the types of everything that `--json` prints, and `defineConfig` for a typed configuration.
export { defineConfig, type GracefulConfigInput } from './config/define-config.ts';
export type { Connections, DrainMethod, GracefulEvent, HookName, OperationName, StreamLine } from './core/events.ts';
export type { ConfigProblem, FailureCode, FailureDetails, FailureRecord } from './core/failure.ts';
export { EXIT_CODES } from './core/failure.ts';
export type { CalledVia, Caller, HistoryEntry, HistoryResult } from './core/history.ts';
export type { KeepaliveAction, KeptSlot, Outcome, Outcomes } from './core/outcome.ts';
export type { Slot } from './core/slot.ts';
export type { BackendState, Desired, Health, SlotStatus, StatusReport } from './core/status.ts';
