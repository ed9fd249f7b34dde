// `graceful init`: wires what is found to what is asked and to the file that is written.
import { basename, join, resolve } from 'node:path';
import { openQuestions, type Questions } from '../cli/ask.ts';
import type { InitOptions, Invocation } from '../cli/invocation.ts';
import { outputTo } from '../cli/output.ts';
import { foundLine, showPlan, wrote } from '../cli/show-init.ts';
import { fail } from '../core/failure.ts';
import { adviceFor } from '../setup/init/advice.ts';
import type { Draft } from '../setup/init/draft.ts';
import {
  type Answers,
  draftOfCommand,
  type InitPlan,
  planConfig,
  refuseToReplace,
  writePlan,
} from '../setup/init/plan.ts';
import { findSources, type Source, sourcesIn } from '../setup/init/sources.ts';
import type { Surroundings } from './surroundings.ts';

/** Returns the exit code. @throws `usage`, `config` or `setup-failed`, with nothing written. */
export async function initialize(
  { options, globals }: Extract<Invocation, { kind: 'init' }>,
  around: Surroundings,
): Promise<number> {
  const { cwd, stdin, stderr } = around;
  const stdout = outputTo(around.stdout);
  const path = targetOf(globals.config, cwd);
  const { force, print } = options;
  if (!print) await refuseToReplace(path, force);
  const say = (text: string): void => {
    if (!globals.quiet && !globals.json) stdout.write(text);
  };
  const isTalking = stdin.isTTY && stderr.isTTY && !options.yes && !print && !globals.json && !globals.quiet;
  using questions = isTalking ? await openQuestions(stdin, stderr) : null;
  const { draft, others } = await choose(options, around, questions);
  if (!print) say(`${foundLine(draft, others)}\n`);
  const answers = { ...(await answer(draft, options, questions)), stateDir: globals.stateDir };
  const plan = await planConfig(draft, answers, cwd, path);
  if (print) {
    stdout.write(globals.json ? asJson(plan, []) : plan.text);
    return 0;
  }
  say(showPlan(plan));
  if (questions !== null && !(await questions.confirm(`Write ${path}?`))) {
    say('Nothing was written.\n');
    return 0;
  }
  const written = writePlan(plan);
  if (globals.json) stdout.write(asJson(plan, written));
  else say(wrote(written, [...inTheWay(plan.draft), ...(await adviceFor(plan.config, cwd, around.env))]));
  return 0;
}

function targetOf(given: string | null, cwd: string): string {
  const path = given === null ? join(cwd, 'graceful.config.yaml') : resolve(cwd, given);
  if (/\.ya?ml$/.test(path)) return path;
  throw fail('usage', `init writes YAML: found -c ${given}, expected a name that ends in .yaml`, {});
}

interface Choice {
  readonly draft: Draft;
  /** Names of the files that would have done as well. */
  readonly others: readonly string[];
}

async function choose(
  { command, from, app }: InitOptions,
  { cwd, env }: Surroundings,
  questions: Questions | null,
): Promise<Choice> {
  const place = { dir: cwd, env, isRoot: process.geteuid?.() === 0 };
  if (from === null && app === null && command !== null)
    return { draft: await draftOfCommand(command, cwd), others: [] };
  const all = from === null ? await findSources(place) : await sourcesIn(resolve(cwd, from), place);
  const left = app === null ? all : all.filter((source) => source.app === app);
  if (app !== null && left.length === 0) throw noSuchApp(app, all);
  for (const source of left) {
    const ofOneFile = left.filter(({ file }) => file === source.file);
    const draft = await (await oneOf(ofOneFile, questions)).draft();
    if (draft === null) continue;
    const others = new Set(all.filter(({ file }) => file !== source.file).map(({ file }) => basename(file)));
    return { draft, others: [...others] };
  }
  if (questions === null)
    throw fail('usage', `found nothing to start in ${cwd}`, {
      hint: 'say what starts the app: graceful init --command "node server.js"',
    });
  const typed = await questions.text('Nothing known was found. What starts the app?', '');
  if (typed === '')
    throw fail('usage', 'a configuration needs a command', { hint: 'graceful init --command "node server.js"' });
  return { draft: await draftOfCommand(typed, cwd), others: [] };
}

async function oneOf(sources: readonly Source[], questions: Questions | null): Promise<Source> {
  const [first] = sources;
  if (first === undefined) throw new Error('no source to choose from');
  if (sources.length === 1) return first;
  const names = sources.map(({ app }) => app ?? '');
  if (questions === null)
    throw fail('usage', `${basename(first.file)} has ${names.length} apps: ${names.join(', ')}`, {
      hint: `one configuration is for one app: --app ${names[0]}`,
    });
  const chosen = await questions.choice(
    `${basename(first.file)} has ${names.length} apps; a configuration is for one. Which?`,
    names,
  );
  return sources.find(({ app }) => app === chosen) ?? first;
}

const noSuchApp = (app: string, all: readonly Source[]) => {
  const names = all.flatMap((source) => (source.app === null ? [] : [source.app]));
  return fail('usage', `there is no app ${app}`, {
    hint: names.length === 0 ? 'no file with apps was found' : `there are ${names.join(', ')}`,
  });
};

async function answer(
  draft: Draft,
  given: InitOptions,
  questions: Questions | null,
): Promise<Omit<Answers, 'stateDir'>> {
  const { command, name, healthPath } = given;
  if (questions === null) return { command: draft.kind === 'command' ? null : command, name, healthPath };
  const isFastCgi = draft.kind === 'php';
  return {
    command: draft.kind === 'command' ? null : command,
    name: name ?? (await questions.text('Name of the app', draft.settings.name ?? 'app')),
    healthPath:
      healthPath ??
      (isFastCgi ? null : await questions.text('Path of a health check over HTTP (Enter: connecting is enough)', '')),
  };
}

/** Without nginx's group every request is answered 502: a comment in the file is not enough. */
const inTheWay = ({ remarks: { socketGroup } }: Draft): readonly string[] =>
  socketGroup === undefined ? [] : [`socketGroup: ${socketGroup}`];

const asJson = ({ path, text, draft, config }: InitPlan, written: readonly string[]): string => {
  const { kind, source, listening, lost } = draft;
  const outcome = { command: 'init', kind, source, name: config.name, path, written, listening, lost, text };
  return `${JSON.stringify({ outcome })}\n`;
};
