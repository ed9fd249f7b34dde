// `graceful doctor`: the whole chain from the proxy to the backend, link by link. It reads, asks and connects; it mends nothing.
import type { Config } from '../core/config.ts';
import { GracefulError } from '../core/failure.ts';
import type { StatusReport } from '../core/status.ts';
import type { AppSystem } from '../system/app-system.ts';
import { backlog } from './checks/backlog.ts';
import { caller } from './checks/caller.ts';
import { clock } from './checks/clock.ts';
import { command } from './checks/command.ts';
import { leftovers } from './checks/leftovers.ts';
import { logout } from './checks/logout.ts';
import { mandatoryAccess } from './checks/mandatory-access.ts';
import { nginxConfig } from './checks/nginx-config.ts';
import { nginxKeepalive } from './checks/nginx-keepalive.ts';
import { nginxLimits } from './checks/nginx-limits.ts';
import { oldSlot } from './checks/old-slot.ts';
import { placement } from './checks/placement.ts';
import { proxyAccess } from './checks/proxy-access.ts';
import { proxyView } from './checks/proxy-view.ts';
import { serving } from './checks/serving.ts';
import { socketPath } from './checks/socket-path.ts';
import { stateDir } from './checks/state-dir.ts';
import { versions } from './checks/versions.ts';
import type { Finding, Remark } from './finding.ts';
import { type NginxFacts, nginxFacts } from './nginx/facts.ts';

export interface DoctorOptions {
  /** The status as it is now. */
  readonly status: () => Promise<StatusReport>;
  /** The user as whom the proxy connects; null: nginx's own. */
  readonly proxyUser: string | null;
  /** The main file of the nginx that serves the app; null: the nginx that is found. */
  readonly nginxConfig: string | null;
}

/** What a check may know. */
export interface DoctorContext extends Omit<DoctorOptions, 'status'> {
  readonly config: Config;
  readonly system: AppSystem;
  readonly status: StatusReport;
  readonly nginx: NginxFacts;
}

export type Check = (context: DoctorContext) => readonly Remark[] | Promise<readonly Remark[]>;

/** In the order of the chain: what the app is, where its files are, who reaches them, who serves, who calls us. */
const CHECKS: Readonly<Record<string, Check>> = {
  versions,
  command,
  'socket-path': socketPath,
  'state-dir': stateDir,
  placement,
  leftovers,
  clock,
  nginx: nginxConfig,
  'nginx-keepalive': nginxKeepalive,
  'nginx-limits': nginxLimits,
  'proxy-access': proxyAccess,
  'proxy-view': proxyView,
  'mandatory-access': mandatoryAccess,
  backlog,
  serving,
  'old-slot': oldSlot,
  caller,
  logout,
};

export const CHECK_NAMES: readonly string[] = ['config', ...Object.keys(CHECKS)];

/** Runs every check, one after the other: some of them change who this process is for a moment. */
export async function examineApp(system: AppSystem, options: DoctorOptions): Promise<readonly Finding[]> {
  const { config } = system;
  const context: DoctorContext = {
    ...options,
    config,
    system,
    status: await statusOf(system, options),
    nginx: await nginxFacts(options.nginxConfig, system.paths.dir),
  };
  const findings: Finding[] = [
    { check: 'config', severity: 'ok', message: `${config.file ?? 'the configuration'} is valid`, fix: null },
  ];
  for (const [name, check] of Object.entries(CHECKS))
    for (const remark of await remarksOf(name, check, context)) findings.push({ check: name, ...remark });
  return findings;
}

/** Of a state dir that no command would touch there is none: why is what the check of it says. */
async function statusOf({ config, paths }: AppSystem, { status }: DoctorOptions): Promise<StatusReport> {
  try {
    return await status();
  } catch (thrown) {
    if (GracefulError.from(thrown).failure.code !== 'state-dir') throw thrown;
    const { name, stateDir, file } = config;
    const link = { path: paths.link, target: null };
    return {
      name,
      stateDir,
      config: file,
      desired: 'up',
      active: null,
      link,
      supervisor: null,
      lastUpdate: null,
      slots: [],
    };
  }
}

/** What is wrong with what everything else hangs on, a configuration or a state dir: the only findings then. Null for another failure. */
export function refusalFindings(error: GracefulError): readonly Finding[] | null {
  const { failure } = error;
  if (failure.code === 'config') return configFindings(error);
  if (failure.code !== 'state-dir') return null;
  const { path, found, expected } = failure.details;
  return [
    {
      check: 'state-dir',
      severity: 'error',
      message: `${path} ${found}: commands are refused`,
      fix: `make it ${expected}, or choose another stateDir`,
    },
  ];
}

const configFindings = ({ failure }: GracefulError): readonly Finding[] =>
  failure.code === 'config' && failure.details.problems.length > 0
    ? failure.details.problems.map(({ key, found, expected, suggestion }) => ({
        check: 'config',
        severity: 'error',
        message: `${failure.details.file ?? 'the configuration'}: ${key === '' ? '' : `${key}: `}found ${found}, expected ${expected}`,
        fix: suggestion === undefined ? `change ${key === '' ? 'the file' : key}` : `did you mean ${suggestion}?`,
      }))
    : [
        {
          check: 'config',
          severity: 'error',
          message: failure.message,
          fix: 'docs/configuration.md has every key',
        },
      ];

/** A check that cannot be carried out is no reason not to carry out the others. */
async function remarksOf(name: string, check: Check, context: DoctorContext): Promise<readonly Remark[]> {
  try {
    return await check(context);
  } catch (thrown) {
    const { message } = GracefulError.from(thrown);
    return [
      {
        severity: 'warning',
        message: `the check ${name} could not be carried out: ${message}`,
        fix: 'run it as root, or look by hand',
      },
    ];
  }
}
