// A connection that nginx keeps stays with the slot that it was opened to: its cache knows the path, not where that leads.
// ngx_http_upstream_keepalive_module; on for every named upstream since 1.29.7.
import type { DoctorContext } from '../doctor.ts';
import { error, ok, type Remark } from '../finding.ts';
import { type Directive, effective, placeOf, timeOf } from '../nginx/parse.ts';
import { type Pass, passesTo } from '../nginx/passes.ts';
import { compareVersions } from './versions.ts';

const ON_BY_DEFAULT_SINCE = '1.29.7';
const DEFAULT_TIMEOUT = '60s';
const DEFAULT_TIME = '1h';

export function nginxKeepalive({ config, nginx, system }: DoctorContext): readonly Remark[] {
  if (nginx.directives === null) return [];
  const passes = passesTo(system.paths, nginx.directives).filter(({ leadsTo }) => leadsTo === 'link');
  const upstreams = [
    ...new Set(passes.filter(mayKeep).flatMap(({ upstream }) => (upstream === null ? [] : [upstream]))),
  ];
  const sticky = upstreams.flatMap((upstream) => stickiness(upstream, nginx.version, config.drainTimeoutMs));
  if (sticky.length > 0) return sticky;
  return passes.length === 0 ? [] : [ok('nginx lets go of the old slot after a switch')];
}

/** uwsgi and SCGI know no kept connections, and FastCGI's are closed unless asked for: ngx_http_fastcgi_module. */
const mayKeep = ({ kind, directive }: Pass): boolean =>
  kind === 'fastcgi'
    ? effective(directive, 'fastcgi_keep_conn')?.args[0] === 'on'
    : kind !== 'uwsgi' && kind !== 'scgi';

function stickiness(upstream: Directive, version: string | null, drainTimeoutMs: number): readonly Remark[] {
  const setting = (name: string): string | undefined => upstream.block?.find((one) => one.name === name)?.args[0];
  const kept = setting('keepalive');
  const isOn =
    kept === undefined ? version !== null && compareVersions(version, ON_BY_DEFAULT_SINCE) >= 0 : kept !== '0';
  if (!isOn) return [];
  const idle = setting('keepalive_timeout') ?? DEFAULT_TIMEOUT;
  const age = setting('keepalive_time') ?? DEFAULT_TIME;
  if ((timeOf(idle) ?? 0) + (timeOf(age) ?? 0) < drainTimeoutMs) return [];
  const why = kept === undefined ? `, which nginx ${version} does unless told otherwise` : '';
  return [
    error(
      `${placeOf(upstream)}: upstream ${upstream.args[0]} keeps connections to the old slot for ${idle} idle and ${age} in all${why}; drainTimeout is ${drainTimeoutMs} ms: then they are cut`,
      'keepalive_timeout 1s; keepalive_time 2s; as in graceful-keepalive.conf, or no upstream {} at all',
    ),
  ];
}
