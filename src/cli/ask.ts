// Questions on a terminal: each with an answer in brackets that Enter takes.
import type { Interface } from 'node:readline/promises';
import { fail } from '../core/failure.ts';

export interface Questions extends Disposable {
  /** A line of text. */
  text(question: string, standard: string): Promise<string>;
  /** One of a few, by its number or by its name. */
  choice(question: string, choices: readonly string[]): Promise<string>;
  /** Yes unless said otherwise. */
  confirm(question: string): Promise<boolean>;
}

/** @throws `aborted` from any question, at Ctrl-C or the end of the input. */
export async function openQuestions(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<Questions> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input, output });
  const ask = (question: string): Promise<string> => answerOrEnd(lines, question);
  const questions: Questions = {
    async text(question, standard) {
      const answer = (await ask(`${question}${standard === '' ? '' : ` [${standard}]`}: `)).trim();
      return answer === '' ? standard : answer;
    },
    async choice(question, choices) {
      output.write(`${choices.map((choice, index) => `  ${index + 1}  ${choice}\n`).join('')}`);
      for (;;) {
        const answer = (await ask(`${question} [1]: `)).trim() || '1';
        const chosen = choices.find((choice, index) => answer === choice || answer === String(index + 1));
        if (chosen !== undefined) return chosen;
      }
    },
    async confirm(question) {
      for (;;) {
        const answer = (await ask(`${question} [Y/n]: `)).trim().toLowerCase();
        if (answer === '' || 'yes'.startsWith(answer)) return true;
        if ('no'.startsWith(answer)) return false;
      }
    },
    [Symbol.dispose]: () => lines.close(),
  };
  return questions;
}

/** readline leaves the promise of a question open for ever when it is closed. */
const answerOrEnd = (lines: Interface, question: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const end = (): void => reject(fail('aborted', 'aborted by Ctrl-C', { by: 'Ctrl-C' }));
    lines.once('close', end);
    lines.once('SIGINT', () => lines.close());
    void lines.question(question).then((answer) => {
      lines.off('close', end);
      resolve(answer);
    }, reject);
  });
