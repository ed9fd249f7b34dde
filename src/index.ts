// What the package exports: the operations for a program, `defineConfig` for a typed configuration, and the types of
// everything that `--json` prints.
export { type CallOptions, createGraceful, type Graceful, type GracefulOptions } from './api/graceful.ts';
export { defineConfig, type GracefulConfigInput } from './config/define-config.ts';
export type { Config } from './core/config.ts';
export type { Connections, DrainMethod, GracefulEvent, HookName, OperationName, StreamLine } from './core/events.ts';
export type { ConfigProblem, FailureCode, FailureDetails, FailureRecord } from './core/failure.ts';
export { EXIT_CODES, GracefulError } from './core/failure.ts';
export type { CalledVia, Caller, HistoryEntry, HistoryResult } from './core/history.ts';
export type { KeepaliveAction, KeptSlot, Outcome, Outcomes } from './core/outcome.ts';
export type { Slot } from './core/slot.ts';
export type { BackendState, Desired, Health, SlotStatus, StatusReport, WorkerStatus } from './core/status.ts';
