// The versions that promises hang on.
import type { DoctorContext } from '../doctor.ts';
import { error, ok, type Remark } from '../finding.ts';

const OLDEST_NODE = 20;

export function versions({ nginx }: DoctorContext): readonly Remark[] {
  const node = process.versions.node;
  const found = `Node ${node}${nginx.version === null ? '' : `, nginx ${nginx.version}`}`;
  return Number(node.split('.')[0]) < OLDEST_NODE
    ? [error(`${found}: expected Node ${OLDEST_NODE} or later`, `install Node ${OLDEST_NODE} or later`)]
    : [ok(found)];
}

/** -1, 0 or 1, as a sort wants it. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number)) as [number[], number[]];
  for (let part = 0; part < Math.max(a.length, b.length); part++) {
    const difference = (a[part] ?? 0) - (b[part] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
