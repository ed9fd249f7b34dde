// A program of the system's that tells something: run, read, never changed anything by.
import { execa } from 'execa';

export interface Told {
  readonly ok: boolean;
  /** Of a program that is not there: null. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PATIENCE_MS = 10_000;
/** Debian's users have no sbin in PATH. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;

export async function ask(program: string, args: readonly string[] = []): Promise<Told> {
  const result = await execa(program, args, {
    env: { PATH, LC_ALL: 'C' },
    reject: false,
    stdin: 'ignore',
    timeout: PATIENCE_MS,
  });
  return {
    ok: !result.failed,
    exitCode: result.exitCode ?? null,
    stdout: result.stdout,
    stderr: result.stderr,
  };
}
