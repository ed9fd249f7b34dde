// npm run docs:picture: docs/update.svg, from what real commands print while real requests are answered. Nothing in it is made
// up; only the directory, a temporary one, is called /srv/shop.
import { writeFile } from 'node:fs/promises';
import { failed } from '../rig/load-report.ts';
import { inRepo } from '../rig/paths.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { until } from '../rig/until.ts';
import { writeConfig, writeRelease } from './releases.ts';
import { Shell } from './shell.ts';
import { count, point, portOf } from './story.ts';
import { type Line, type Tone, terminalSvg } from './terminal-svg.ts';
import { Traffic } from './traffic.ts';

const SHOWN_AS = '/srv/shop';

await using dir = await tempDir();
await using shell = new Shell(dir.path, false);
const lines: Line[] = [];
const show = (text: string, tone: Tone = toneOf(text)): void => {
  lines.push({ text: text.replaceAll(dir.path, SHOWN_AS), tone });
};

/** Runs and shows it; another exit code than the expected one ends all, and there is no new picture. */
async function graceful(args: string, expectedCode = 0, before = ''): Promise<void> {
  show(`$ ${before}graceful ${args}`, 'command');
  const { code, lines: printed } = await shell.run(args.split(' '), () => undefined);
  for (const line of printed) show(line);
  if (code !== expectedCode) throw new Error(`graceful ${args}: exit code ${code}\n${printed.join('\n')}`);
  show('');
}

await writeConfig(dir.path);
for (const version of ['41', '42', '43']) await writeRelease(dir.path, version, version === '43');
await point(dir.path, '41');
await shell.run(['update', '--quiet'], () => undefined);
await using traffic = new Traffic(
  portOf(await shell.start(['front', '--listen', '127.0.0.1:0'], () => undefined)),
  () => undefined,
);
const answeredBy = (version: string): Promise<true> =>
  until(`${version} answers alone`, () => Object.keys(traffic.rates).join() === version, 30_000);

await answeredBy('41');
await point(dir.path, '42');
await graceful('update', 0, 'ln -sfn releases/42 current && ');
await answeredBy('42');
await graceful('rollback');
await answeredBy('41');
await point(dir.path, '43');
await graceful('update', 1, 'ln -sfn releases/43 current && ');
await answeredBy('41');

const report = await traffic.finish();
if (failed(report) > 0)
  throw new Error(`${failed(report)} of ${report.requests} requests failed: ${report.examples.join('; ')}`);
show(`${count(report.requests)} requests in the meantime, on 16 connections: none failed.`, 'good');

const svg = terminalSvg('An update, a rollback, and an update that fails, as graceful prints them', lines);
await writeFile(inRepo('docs/update.svg'), svg);
console.log(`docs/update.svg: ${count(Buffer.byteLength(svg))} bytes, ${lines.length} lines`);

function toneOf(text: string): Tone {
  if (text.startsWith('graceful: ')) return 'bad';
  if (/^[ab]: ready |^→/.test(text)) return 'good';
  if (/^[ab]: active now/.test(text)) return 'news';
  if (/^[ab] serves |^Traffic is where/.test(text)) return 'strong';
  return /^[ab]: |^ +SLOT/.test(text) ? 'dim' : 'plain';
}
