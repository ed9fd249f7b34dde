// The pure parts: thousands of inputs without a process each.
import assert from 'node:assert/strict';
import { parseCommandLine } from '../../../src/cli/parse.ts';
import { normalize } from '../../../src/config/normalize.ts';
import { readInput } from '../../../src/control/read-input.ts';
import { GracefulError } from '../../../src/core/failure.ts';
import type { Case } from '../kit/suite.ts';
import { commandLine, configuration, generate, requestBody } from './generate.ts';

const SLOW_MS = 5_000;

export function* inProcess(count: number): Iterable<Case> {
  for (const [index, content] of generate(configuration, count, 'configurations').entries())
    yield pure('a configuration, in process: taken or refused in words', `configuration ${index}`, content, () =>
      normalize(content, { file: '/nowhere/graceful.config.json', base: '/nowhere', stateDir: null }),
    );
  for (const [index, argv] of generate(commandLine, count, 'command lines').entries())
    yield pure('a command line, in process: understood or refused in words', `command line ${index}`, argv, () =>
      parseCommandLine(argv),
    );
  for (const [index, asked] of generate(requestBody, count, 'request bodies').entries())
    yield pure(
      'a request to the control socket, in process: taken or refused in words',
      `request body ${index}`,
      asked,
      async () => {
        const answer = readInput(asked.operation, asked.body);
        if ('refusal' in answer) assert.ok(answer.refusal !== '' && [400, 404].includes(answer.status));
      },
    );
}

function pure(row: string, name: string, input: unknown, deed: () => Promise<unknown>): Case {
  return {
    row,
    name: `bad input: ${name}`,
    tried: ['clear'],
    kind: 'input',
    async run() {
      const startedAt = performance.now();
      try {
        await deed();
      } catch (thrown) {
        const told = thrown instanceof GracefulError && ['config', 'usage'].includes(thrown.failure.code);
        if (!told || thrown.failure.message === '')
          throw new Error(`${show(input)}: ${String(thrown)}`, { cause: thrown });
      }
      assert.ok(performance.now() - startedAt < SLOW_MS, `${show(input)} took ${performance.now() - startedAt} ms`);
    },
  };
}

function show(input: unknown): string {
  try {
    return JSON.stringify(input)?.slice(0, 2_000) ?? String(input);
  } catch {
    return 'an input that cannot be shown';
  }
}
