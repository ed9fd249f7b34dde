// Which HTTP status codes count as healthy.

/** A status code, or a comma-separated list of codes and ranges: `200-399`, `200,204,300-399`. */
export const STATUS_PATTERN = /^\s*[1-5]\d\d(?:\s*-\s*[1-5]\d\d)?(?:\s*,\s*[1-5]\d\d(?:\s*-\s*[1-5]\d\d)?)*\s*$/;

type StatusInput = string | number | (string | number)[];

/** Ranges with both ends included, in the order in which they were written; null for what is none. */
export function parseStatusRanges(status: StatusInput): (readonly [from: number, to: number])[] | null {
  const texts = Array.isArray(status) ? status.map(String) : [String(status)];
  if (texts.length === 0 || !texts.every((text) => STATUS_PATTERN.test(text))) return null;
  const ranges = texts.flatMap((text) => text.split(',')).map(toRange);
  return ranges.every(([from, to]) => from <= to) ? ranges : null;
}

const toRange = (text: string): readonly [number, number] => {
  const [from = '', to = from] = text.split('-');
  return [Number(from), Number(to)];
};
