// A renderer that is loaded when there is something to show: cron's keepalive, which finds everything in order, never is.
import { writeSync } from 'node:fs';
import type { FailureRecord } from '../../core/failure.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { OutputStream } from '../output.ts';
import { isRoutine } from '../routine.ts';
import { createRenderer, type RendererOptions } from './create-renderer.ts';
import type { Renderer } from './renderer.ts';

export interface LazyRenderer extends Renderer {
  /** Resolves when everything so far has been shown. */
  flush(): Promise<void>;
}

interface Streams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** What comes while the renderer is being loaded is shown in order once it is there. */
export function lazyRenderer(options: Omit<RendererOptions, keyof Streams>, streams: () => Streams): LazyRenderer {
  let renderer: Renderer | null = null;
  let loading: Promise<void> | null = null;
  let backlog: ((renderer: Renderer) => void)[] = [];
  let last: FailureRecord | null = null;
  const load = async (): Promise<void> => {
    const loaded = await createRenderer({ ...options, ...streams() });
    renderer = loaded;
    for (const show of backlog) show(loaded);
    backlog = [];
  };
  const show = (how: (renderer: Renderer) => void): void => {
    if (renderer === null) backlog.push(how);
    else how(renderer);
    loading ??= load().catch(() => {
      loading = null; // EMFILE: what comes next tries again
    });
  };
  const isSilent = (outcome: Outcome): boolean => isRoutine(outcome) && !options.json && !options.tty;
  return {
    event: (event) => show((to) => to.event(event)),
    outcome(outcome) {
      if (renderer !== null || loading !== null || !isSilent(outcome)) show((to) => to.outcome(outcome));
    },
    failure(failure) {
      last = failure;
      show((to) => to.failure(failure));
    },
    close() {
      if (renderer !== null || loading !== null) show((to) => to.close());
    },
    async flush() {
      await loading;
      if (renderer === null && last !== null) tellWithout(last, options.json);
    },
  };
}

/** Where no renderer could be loaded (no descriptor is left), the failure is told all the same. */
function tellWithout(failure: FailureRecord, json: boolean): void {
  try {
    if (json) writeSync(1, `${JSON.stringify({ failure })}\n`);
    else writeSync(2, `graceful: ${failure.message}\n`);
  } catch {
    // ENOSPC, EPIPE: the exit code still tells
  }
}
