// Where nginx passes requests to this app: the directives that lead to the link, and those that lead past it.
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { StatePaths } from '../../system/state-paths.ts';
import { allOf, type Directive } from './parse.ts';

export interface Pass {
  /** The `proxy_pass`, `fastcgi_pass`… */
  readonly directive: Directive;
  /** `proxy`, `fastcgi`…: the prefix of the settings that belong to it. */
  readonly kind: string;
  /** The `upstream {}` that it goes through. */
  readonly upstream: Directive | null;
  readonly leadsTo: 'link' | 'slot';
  readonly path: string;
}

const PASS = /^(proxy|fastcgi|uwsgi|scgi|grpc)_pass$/;

export function passesTo(paths: StatePaths, directives: readonly Directive[]): readonly Pass[] {
  const all = [...allOf(directives)];
  const upstreams = new Map(
    all.filter(({ name, block }) => name === 'upstream' && block !== null).map((one) => [one.args[0] ?? '', one]),
  );
  return all.flatMap((directive) => {
    const kind = PASS.exec(directive.name)?.[1];
    const address = directive.args[0];
    if (kind === undefined || address === undefined) return [];
    const target = address.replace(/^[a-z]+:\/\//, '');
    const upstream = upstreams.get(target.split('/')[0] ?? '') ?? null;
    const sockets =
      upstream === null
        ? [socketOf(target)]
        : (upstream.block ?? []).filter(({ name }) => name === 'server').map(({ args }) => socketOf(args[0] ?? ''));
    return sockets
      .filter((path): path is string => path !== null)
      .flatMap((path): readonly Pass[] => {
        const leadsTo = destination(path, paths);
        return leadsTo === null ? [] : [{ directive, kind, upstream, leadsTo, path }];
      });
  });
}

/** `unix:/run/app.socket` or `unix:/run/app.socket:/uri`. */
const socketOf = (address: string): string | null => /^unix:([^:]+)/.exec(address)?.[1] ?? null;

function destination(path: string, { link, slots }: StatePaths): 'link' | 'slot' | null {
  if (isSame(path, link)) return 'link';
  return isSame(path, slots.a.socket) || isSame(path, slots.b.socket) ? 'slot' : null;
}

/** The same file under whatever spelling of its directory; the last part is not followed, it is the link itself. */
const isSame = (path: string, ours: string): boolean =>
  basename(path) === basename(ours) && (path === ours || real(dirname(path)) === real(dirname(ours)));

function real(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return join(directory);
  }
}
