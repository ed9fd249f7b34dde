// Plots as SVG, by hand: horizontal bars with whiskers, and lines. Readable on light and on dark pages, with no script.
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** What is written behind it. */
  readonly text: string;
  /** Index into the series. */
  readonly series: number;
}

export interface BarGroup {
  readonly label: string;
  /** Ours are marked. */
  readonly strong: boolean;
  readonly bars: readonly Omit<Bar, 'label'>[];
}

export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly string[];
  readonly groups: readonly BarGroup[];
  readonly log?: boolean;
}

const WIDTH = 1000;
const LEFT = 440;
const RIGHT = 130;
const BAR = 14;
const GAP = 10;

const STYLE = `<style>

.p{fill:#fff}text{font:13px system-ui,sans-serif;fill:#24292f}.t{font-size:16px;font-weight:600}.b{font-weight:600}.s{font-size:11px}
.g{stroke:#8c959f;stroke-opacity:.35}.w{stroke:#24292f;stroke-opacity:.7}
.c0{fill:#2f81f7}.c1{fill:#d4761c}.c2{fill:#3a9b53}.l0{stroke:#2f81f7}.l1{stroke:#d4761c}.l2{stroke:#3a9b53}.l{fill:none;stroke-width:2}
@media(prefers-color-scheme:dark){.p{fill:#0d1117}text{fill:#e6edf3}.w{stroke:#e6edf3}}
</style>`;

export function barChart({ title, unit, series, groups, log = false }: BarChart): string {
  const top = 62;
  const heights = groups.map(({ bars }) => Math.max(1, bars.length) * BAR + GAP);
  const height = top + heights.reduce((sum, one) => sum + one, 0) + 30;
  const highest = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ max }) => max)));
  const plot = WIDTH - LEFT - RIGHT;
  const x = (value: number): number =>
    LEFT + plot * (log ? Math.log10(1 + value) / Math.log10(1 + highest) : value / highest);
  const parts: string[] = [];
  for (const tick of ticks(highest, log)) {
    parts.push(`<line class="g" x1="${n(x(tick))}" x2="${n(x(tick))}" y1="${top - 6}" y2="${height - 26}"/>`);
    parts.push(`<text class="s" x="${n(x(tick))}" y="${height - 12}" text-anchor="middle">${short(tick)}</text>`);
  }
  let y = top;
  groups.forEach(({ label, strong, bars }, index) => {
    const middle = y + (Math.max(1, bars.length) * BAR) / 2 + 4;
    parts.push(
      `<text x="${LEFT - 10}" y="${middle}" text-anchor="end"${strong ? ' class="b"' : ''}>${escaped(label)}</text>`,
    );
    bars.forEach(({ value, min, max, text, series: color }, row) => {
      const at = y + row * BAR;
      parts.push(
        `<rect class="c${color}" x="${LEFT}" y="${at + 1}" width="${n(Math.max(1, x(value) - LEFT))}" height="${BAR - 3}"/>`,
      );
      if (max > min)
        parts.push(`<line class="w" x1="${n(x(min))}" x2="${n(x(max))}" y1="${at + BAR / 2}" y2="${at + BAR / 2}"/>`);
      parts.push(`<text class="s" x="${n(x(max) + 6)}" y="${at + BAR - 3}">${escaped(text)}</text>`);
    });
    y += heights[index] ?? 0;
  });
  return page(`${title}, ${unit}${log ? ' (logarithmic)' : ''}`, series, parts, height);
}

export interface LineChart {
  readonly title: string;
  readonly unit: string;
  readonly xTitle: string;
  readonly lines: readonly { readonly label: string; readonly points: readonly (readonly [number, number])[] }[];
}

/** The horizontal axis has each of the measured places at the same distance. */
export function lineChart({ title, unit, xTitle, lines }: LineChart): string {
  const height = 340;
  const [top, bottom, left, right] = [70, 290, 70, WIDTH - 40];
  const places = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const highest = Math.max(1, ...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const x = (value: number): number =>
    places.length < 2 ? left : left + ((right - left) * places.indexOf(value)) / (places.length - 1);
  const y = (value: number): number => bottom - ((bottom - top) * value) / highest;
  const parts: string[] = [];
  for (const tick of ticks(highest, false)) {
    parts.push(`<line class="g" x1="${left}" x2="${right}" y1="${n(y(tick))}" y2="${n(y(tick))}"/>`);
    parts.push(`<text class="s" x="${left - 8}" y="${n(y(tick) + 4)}" text-anchor="end">${short(tick)}</text>`);
  }
  for (const place of places)
    parts.push(
      `<text class="s" x="${n(x(place))}" y="${bottom + 18}" text-anchor="middle">${place.toLocaleString('en')}</text>`,
    );
  parts.push(
    `<text class="s" x="${(left + right) / 2}" y="${bottom + 38}" text-anchor="middle">${escaped(xTitle)}</text>`,
  );
  lines.forEach(({ points }, index) => {
    parts.push(
      `<polyline class="l l${index}" points="${points.map(([px, py]) => `${n(x(px))},${n(y(py))}`).join(' ')}"/>`,
    );
    for (const [px, py] of points) parts.push(`<circle class="c${index}" cx="${n(x(px))}" cy="${n(y(py))}" r="4"/>`);
  });
  return page(
    `${title}, ${unit}`,
    lines.map(({ label }) => label),
    parts,
    height,
  );
}

function page(title: string, series: readonly string[], parts: readonly string[], height: number): string {
  let x = 20;
  const legend = series.flatMap((name, index) => {
    const at = x;
    x += 40 + name.length * 7;
    return [
      `<rect class="c${index}" x="${at}" y="36" width="12" height="12"/>`,
      `<text class="s" x="${at + 18}" y="46">${escaped(name)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    STYLE,
    `<rect class="p" width="${WIDTH}" height="${height}"/>`,
    `<text class="t" x="20" y="24">${escaped(title)}</text>`,
    ...legend,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function ticks(highest: number, log: boolean): readonly number[] {
  if (log) return [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].filter((tick) => tick <= highest);
  const raw = highest / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

const n = (value: number): string => value.toFixed(1);
const short = (value: number): string => value.toLocaleString('en');
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
