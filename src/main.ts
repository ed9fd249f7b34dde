// Wires everything together. The only reader of argv and environment, and the only writer of the exit code.
import { isatty } from 'node:tty';
import { runOnEitherHost } from './api/either-host.ts';
import type { Globals, Invocation, OperationInvocation } from './cli/invocation.ts';
import { outputTo, standardOutput } from './cli/output.ts';
import { guessGlobals, parseCommandLine } from './cli/parse.ts';
import { type LazyRenderer, lazyRenderer } from './cli/renderers/lazy.ts';
import type { Renderer } from './cli/renderers/renderer.ts';
import { showStatus as show } from './cli/show-status.ts';
import { terminalOf } from './cli/terminal.ts';
import type { Surroundings } from './commands/surroundings.ts';
import { loadConfig } from './config/load.ts';
import type { Config } from './core/config.ts';
import type { EventSink, OperationName } from './core/events.ts';
import { EXIT_CODES, GracefulError } from './core/failure.ts';
import type { OperationInputs } from './core/outcome.ts';
import type { OperationOptions, RunningOperation } from './hosts/operator.ts';
import { isServing, status } from './operations/status.ts';
import { openAppSystem } from './system/app-system.ts';

const { argv, env } = process;

// Until it is known better: a process that ends without having said how is a bug.
process.exitCode = EXIT_CODES.internal;
void main(argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  let globals = guessGlobals(args);
  try {
    const invocation = await parseCommandLine(args);
    if ('globals' in invocation) globals = invocation.globals;
    process.exitCode = await perform(invocation);
  } catch (thrown) {
    const error = GracefulError.from(thrown);
    const renderer = rendererFor(globals);
    renderer.failure(error.failure);
    renderer.close();
    await renderer.flush();
    process.exitCode = error.exitCode;
  }
  if (hasRunProgram) await leave();
}

/** Carries out what was asked for; returns the exit code. */
async function perform(invocation: Invocation): Promise<number> {
  switch (invocation.kind) {
    case 'operation':
      return operate(invocation);
    case 'status':
      return showStatus(invocation);
    case 'doctor':
      return (await import('./commands/doctor.ts')).examine(invocation, surroundings());
    case 'history':
      return (await import('./commands/history.ts')).showHistory(invocation, surroundings());
    case 'logs':
      return (await import('./commands/logs.ts')).showLogs(invocation, surroundings());
    case 'front':
      return (await import('./commands/serve-front.ts')).serveFront(invocation, surroundings());
    case 'run':
      return (await import('./commands/supervise.ts')).supervise(invocation, surroundings());
    case 'init':
      // It may read an ecosystem file of pm2.
      hasRunProgram = true;
      return (await import('./commands/init.ts')).initialize(invocation, surroundings());
    case 'setup':
      return (await import('./commands/setup.ts')).setUp(invocation, surroundings());
    case 'completion': {
      const { completionFor } = await import('./cli/completion/completion.ts');
      say(completionFor(invocation.shell));
      return 0;
    }
    case 'help': {
      const { renderHelp } = await import('./cli/help.ts');
      say(renderHelp(invocation.command, process.stdout.columns));
      return 0;
    }
    case 'version': {
      const { VERSION } = await import('./version.ts');
      say(`${VERSION}\n`);
      return 0;
    }
    case 'none':
      return introduce(invocation.globals);
  }
}

async function operate({ operation, input, waitMs, globals }: OperationInvocation): Promise<number> {
  const config = await configFor(globals);
  const renderer = rendererFor(globals);
  let seq = 0;
  // What a supervisor tells has its stamp, and keeps it.
  const emit: EventSink = (event) => renderer.event({ at: new Date().toISOString(), seq: seq++, ...event });
  // A hook that calls us back cannot wait for the operation that it is part of.
  const patience = env['GRACEFUL_HOOK'] === undefined ? waitMs : 0;
  const running = await begin(config, operation, input, { emit, waitMs: patience });
  const letGo = onInterrupt((by) => running.abort(by), renderer);
  try {
    renderer.outcome(await running.outcome);
    return 0;
  } catch (thrown) {
    const error = GracefulError.from(thrown);
    renderer.failure(error.failure);
    return error.exitCode;
  } finally {
    letGo();
    renderer.close();
    await renderer.flush();
  }
}

async function begin<Name extends OperationName>(
  config: Config,
  name: Name,
  input: OperationInputs[Name],
  options: Pick<OperationOptions, 'emit' | 'waitMs'>,
): Promise<RunningOperation<Name>> {
  const system = openAppSystem(config);
  return runOnEitherHost(system, name, input, {
    ...options,
    by: `graceful ${name} (pid ${process.pid})`,
    caller: async () => (await import('./system/caller.ts')).callerOf(argv.slice(2), env, isatty(0)),
  });
}

async function showStatus({ watch, intervalMs, globals }: Extract<Invocation, { kind: 'status' }>): Promise<number> {
  const system = openAppSystem(await configFor(globals));
  const options = { json: globals.json, colour: terminal(globals).answerColour };
  if (watch) {
    const { watchStatus } = await import('./cli/watch.ts');
    const end = new AbortController();
    const letGo = onInterrupt(() => end.abort());
    const last = await watchStatus({
      read: () => status(system),
      intervalMs,
      signal: end.signal,
      stdout: process.stdout,
      ...options,
    });
    letGo();
    return last === null || isServing(last) ? 0 : EXIT_CODES['not-serving'];
  }
  const report = await status(system);
  show(report, { ...options, quiet: globals.quiet, stdout: standardOutput });
  return isServing(report) ? 0 : EXIT_CODES['not-serving'];
}

/** No command: short help and, where there is a configuration, the status. */
async function introduce(globals: Globals): Promise<number> {
  const { renderShortHelp } = await import('./cli/help.ts');
  say(renderShortHelp());
  const { findConfigFile } = await import('./config/load.ts');
  const file = await findConfigFile({ cwd: process.cwd(), env, file: globals.config });
  if (file === null) return 0;
  say('\n');
  return showStatus({ kind: 'status', watch: false, intervalMs: 0, globals });
}

/** To a disk that is full or a reader that has gone, too. */
const say = (text: string): void => outputTo(process.stdout).write(text);

const configFor = (globals: Globals): Promise<Config> => read(globals.config, globals);

/** Whether somebody else's code has run in this process, or may have: a configuration that is a program. */
let hasRunProgram = false;

async function read(file: string | null, { stateDir }: Globals): Promise<Config> {
  try {
    const config = await loadConfig({ cwd: process.cwd(), env, file, stateDir });
    hasRunProgram ||= isProgram(config.file);
    return config;
  } catch (thrown) {
    const { failure } = GracefulError.from(thrown);
    hasRunProgram ||= failure.code === 'config' && isProgram(failure.details.file);
    throw thrown;
  }
}

const isProgram = (file: string | null): boolean => /\.[cm]?[jt]s$/.test(file ?? '');

/** A timer or a connection that such a program has left open would keep us for ever. */
async function leave(): Promise<void> {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) await new Promise((resolve) => stream.on('error', resolve).write('', resolve));
  process.exit();
}

const terminal = ({ noColor }: Globals) => terminalOf({ stdoutIsTty: isatty(1), stderrIsTty: isatty(2), noColor, env });

/** For the commands that are loaded when they are asked for. */
const surroundings = (): Surroundings => ({
  argv,
  env,
  cwd: process.cwd(),
  ...streams(),
  colour: (globals) => terminal(globals).answerColour,
  configFor,
  read,
  onInterrupt,
});

const streams = () => ({ stdin: process.stdin, stdout: process.stdout, stderr: process.stderr });

/** The streams are handed over unopened: a process that prints nothing saves two milliseconds. */
function rendererFor(globals: Globals): LazyRenderer {
  const { live, progressColour } = terminal(globals);
  return lazyRenderer({ json: globals.json, quiet: globals.quiet, tty: live, colour: progressColour }, streams);
}

/**
 * The first Ctrl-C or SIGTERM asks; the second ends the process at once, which every later command recovers from.
 * SIGHUP is let pass: a deploy goes on when the ssh connection that started it is lost.
 */
function onInterrupt(ask: (by: string) => void, renderer?: Renderer): () => void {
  let asked = false;
  const handle = (signal: NodeJS.Signals): void => {
    if (asked) {
      renderer?.close();
      process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
    }
    asked = true;
    ask(signal === 'SIGINT' ? 'Ctrl-C' : signal);
  };
  const ignore = (): void => undefined;
  process.on('SIGINT', handle).on('SIGTERM', handle).on('SIGHUP', ignore);
  return () => {
    process.off('SIGINT', handle).off('SIGTERM', handle).off('SIGHUP', ignore);
  };
}
