// What a supervisor offers to whoever stands at its control socket, and what it needs of the one who opens the door.
import type { SupervisedApp } from './supervised-app.ts';

export interface ControlDoors {
  readonly app: SupervisedApp;
  /** Leave without touching the backends. */
  handover(): void;
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
}

export interface ControlServer {
  close(): Promise<void>;
}

/** Opens the control socket of one app at this path. */
export type OpenControl = (path: string, doors: ControlDoors) => Promise<ControlServer>;
