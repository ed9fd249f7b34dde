// Text and the width it takes on a terminal.
import { stripVTControlCharacters } from 'node:util';

/** Columns that the text takes, colour codes not counted. */
export const visibleWidth = (text: string): number => [...stripVTControlCharacters(text)].length;

/** Pads with spaces up to `width` columns. */
export const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - visibleWidth(text)));

/** Cuts text without colour codes down to `width` columns, and shows that it was cut. */
export const truncate = (text: string, width: number): string => {
  const characters = [...text];
  if (characters.length <= width) return text;
  return width < 1 ? '' : `${characters.slice(0, width - 1).join('')}…`;
};

/** Breaks text at spaces into lines of at most `width` columns. A longer word (a path) keeps a line to itself, so it can be copied. */
export const wrap = (text: string, width: number): readonly string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && visibleWidth(line) + 1 + visibleWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
};

/** One printable line of text from outside: what a backend wrote must not move the operator's cursor or fake a line of ours. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\s*[\r\n]+\s*/g, ' ')
    .replace(/\t/g, '  ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '');
