// Chooses the renderer and loads only that one: cron's keepalive pays for no spinner.
import { type OutputStream, outputTo } from '../output.ts';
import type { Renderer } from './renderer.ts';

export interface RendererOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Lines on stderr may be redrawn. */
  readonly tty: boolean;
  /** Colours on stderr. */
  readonly colour: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** --json wins over everything, -q over the terminal. */
export const createRenderer = async ({ json, quiet, tty, colour, ...streams }: RendererOptions): Promise<Renderer> => {
  const stdout = outputTo(streams.stdout);
  const stderr = outputTo(streams.stderr);
  if (json) return (await import('./json.ts')).jsonRenderer({ stdout, quiet });
  if (quiet) return (await import('./quiet.ts')).quietRenderer({ stderr });
  if (tty) return (await import('./tty.ts')).ttyRenderer({ stdout, stderr, colour });
  return (await import('./plain.ts')).plainRenderer({ stdout, stderr });
};
