// What a command line asks for, once it has been read and found to make sense.
import type { OperationName } from '../core/events.ts';
import type { OperationInputs } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import type { SetupOptions, Target } from '../setup/report.ts';
import type { CommandName } from './commands.ts';
import type { Shell } from './completion/completion.ts';

export interface Globals {
  readonly config: string | null;
  readonly stateDir: string | null;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly noColor: boolean;
}

/** Where the front listens. Port 0 is any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export type OperationInvocation = {
  [Name in OperationName]: {
    readonly kind: 'operation';
    readonly operation: Name;
    readonly input: OperationInputs[Name];
    /** How long to wait for the lock. */
    readonly waitMs: number;
    readonly globals: Globals;
  };
}[OperationName];

/** Null: as it is found, or asked for. */
export interface InitOptions {
  readonly command: string | null;
  readonly name: string | null;
  readonly healthPath: string | null;
  readonly from: string | null;
  readonly app: string | null;
  readonly yes: boolean;
  readonly force: boolean;
  readonly print: boolean;
}

export type Invocation =
  | OperationInvocation
  | { readonly kind: 'status'; readonly watch: boolean; readonly intervalMs: number; readonly globals: Globals }
  | {
      readonly kind: 'doctor';
      readonly strict: boolean;
      readonly proxyUser: string | null;
      readonly nginxConfig: string | null;
      readonly globals: Globals;
    }
  | { readonly kind: 'history'; readonly limit: number; readonly failedOnly: boolean; readonly globals: Globals }
  | {
      readonly kind: 'logs';
      readonly what: Slot | 'both' | 'active';
      readonly follow: boolean;
      /** Of each slot, before what follows. */
      readonly lines: number;
      readonly globals: Globals;
    }
  | { readonly kind: 'front'; readonly listen: ListenAddress; readonly globals: Globals }
  | {
      readonly kind: 'run';
      /** Every -c; none of them means the one that is found. */
      readonly configs: readonly string[];
      readonly metricsListen: ListenAddress | null;
      readonly globals: Globals;
    }
  | { readonly kind: 'init'; readonly options: InitOptions; readonly globals: Globals }
  | { readonly kind: 'setup'; readonly target: Target; readonly options: SetupOptions; readonly globals: Globals }
  | { readonly kind: 'completion'; readonly shell: Shell }
  | { readonly kind: 'help'; readonly command: CommandName | null }
  | { readonly kind: 'version' }
  /** No command at all: short help and, where there is a configuration, the status. */
  | { readonly kind: 'none'; readonly globals: Globals };
