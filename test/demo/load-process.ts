// The load, in a process of its own: what the demo prints does not slow it down. The parent forks it and reads its reports.
import { startHttpLoad } from '../rig/http-load.ts';
import type { LoadReport } from '../rig/load-report.ts';

/** Each report, and last the one with nothing under way any more. */
export interface LoadMessage {
  readonly report: LoadReport;
  readonly final: boolean;
}

const send = (message: LoadMessage): void => {
  if (process.connected) process.send?.(message);
};

// Ctrl-C goes to every process of the terminal; when this one ends is the parent's to say.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());

const load = startHttpLoad({
  target: { port: Number(process.argv[2]) },
  connections: 16,
  pauseMs: 5,
  tickMs: 100,
  onTick: (report) => send({ report, final: false }),
});

process.once('message', () => {
  void load.stop().then((report) => send({ report, final: true }));
});
