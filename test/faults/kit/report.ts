// The table, for a terminal and for docs/reliability.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { inRepo } from '../../rig/paths.ts';
import { describeTotal, type Row, type SuiteResult } from './results.ts';

const PAGE = inRepo('docs/reliability.md');
const BEGIN = '<!-- written by npm run test:faults -- --write -->';
const END = '<!-- end of what is written -->';

/** In a row in which every fault missed its moment. */
const NOTHING = 'nothing: all missed';

const numbersOf = ({ run, broken, missed }: Row): readonly number[] => [run, broken, missed];

export function tableForTerminal(results: readonly SuiteResult[]): string {
  const lines = [
    ['suite', 'row', 'run', 'broken', 'missed', 'tried'],
    ...results.flatMap(({ suite, rows }) =>
      rows.map((row) => [suite, row.row, ...numbersOf(row).map(String), row.tried.join(' ') || NOTHING]),
    ),
  ];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumber = (column: number): boolean => column >= 2 && column <= 4;
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The first break of each row in full. */
export const stories = (results: readonly SuiteResult[]): string =>
  results
    .flatMap(({ suite, rows }) => rows.map((row) => ({ suite, ...row })))
    .flatMap(({ suite, firstBreak }) =>
      firstBreak === null ? [] : [`\n${suite} · ${firstBreak.name}\n${indent(firstBreak.story)}`],
    )
    .join('\n');

/** Replaces what stands between the markers of docs/reliability.md. */
export function writePage(results: readonly SuiteResult[]): void {
  const text = readFileSync(PAGE, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE}: the markers are missing`);
  writeFileSync(PAGE, `${before}${BEGIN}\n${markdown(results)}\n${END}${after}`);
}

function markdown(results: readonly SuiteResult[]): string {
  const all = results.flatMap(({ rows }) => rows);
  const body = results.flatMap(({ suite, rows }) => rows.map((row) => line(suite, row)));
  const runs = results.map(
    ({ suite, date, commit, command, seconds, machine, isWhole }) =>
      `- ${suite}: ${date}, commit ${commit}, \`${command}\`, ${Math.round(seconds)} s${isWhole ? '' : ', interrupted'}; ${machine}`,
  );
  return [
    '',
    `**${describeTotal(all)}.**`,
    '',
    '| suite | row | run | broken | missed | tried |',
    '| --- | --- | ---: | ---: | ---: | --- |',
    ...body,
    '',
    'Made by:',
    '',
    ...runs,
    '',
  ].join('\n');
}

const line = (suite: string, row: Row): string =>
  `| ${escaped(suite)} | ${escaped(row.row)} | ${numbersOf(row).join(' | ')} | ${row.tried.join(' ') || NOTHING} |`;

const escaped = (text: string): string => text.replaceAll('|', '\\|');
const indent = (text: string): string => text.replace(/^/gm, '    ');
