// A terminal's lines as an SVG: text that can be selected, the reader's own monospaced font, a background of its own.

export type Tone = 'plain' | 'command' | 'dim' | 'good' | 'news' | 'bad' | 'strong';

export interface Line {
  readonly text: string;
  readonly tone: Tone;
}

const FONT_SIZE = 13;
/** Of the usual monospaced fonts, the widest. */
const ADVANCE = 0.61 * FONT_SIZE;
const LEADING = 19;
const PADDING = 16;

const STYLE = `<style>
rect{fill:#f6f8fa;stroke:#d0d7de}text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#1f2328}
.command,.strong{font-weight:700}.dim{fill:#59636e}.good{fill:#116329}.news{fill:#0550ae}.bad{fill:#b31d28}
@media(prefers-color-scheme:dark){rect{fill:#0d1117;stroke:#3d444d}text{fill:#e6edf3}.dim{fill:#9198a1}.good{fill:#56d364}.news{fill:#79c0ff}.bad{fill:#ff7b72}}
</style>`;

export function terminalSvg(title: string, lines: readonly Line[]): string {
  const width = Math.ceil(2 * PADDING + ADVANCE * Math.max(...lines.map(({ text }) => text.length)));
  const height = 2 * PADDING + LEADING * lines.length;
  const texts = lines.flatMap(({ text, tone }, index) =>
    text === ''
      ? []
      : [
          `<text${tone === 'plain' ? '' : ` class="${tone}"`} x="${PADDING}" y="${PADDING + LEADING * index + 14}" xml:space="preserve">${escaped(text)}</text>`,
        ],
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    STYLE,
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...texts,
    '</svg>\n',
  ].join('\n');
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
