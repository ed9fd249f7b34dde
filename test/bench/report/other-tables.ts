// The tables of what goes wrong, of what managers cost, and of scale.
import type { KilledManagerResult } from '../measure/faults.ts';
import type { StatusCost } from '../measure/status-cost.ts';
import type { Peer } from '../peers/peer.ts';
import { type Case, type Collected, nameOf } from './collected.ts';
import { figure, spread, table, written } from './words.ts';

export const BROKEN: Readonly<Record<string, string>> = {
  exits: 'exits at its start',
  'never-listens': 'runs, listens nowhere',
  errors: 'answers everything with 500',
};

const name = ({ peer }: { readonly peer: Peer }): string => (peer.ours ? `**${nameOf({ peer })}**` : nameOf({ peer }));
const yes = (value: boolean): string => (value ? 'yes' : '**no**');
const onlyData = <Data>(one: Case<Data>): Data | undefined => one.runs[0];

export function brokenTable({ broken }: Collected): string {
  return table(
    [
      '',
      'the new version',
      'who serves 2.5 s later',
      'lost',
      'exit code',
      'what the command says',
      'next deploy works',
    ],
    broken.map((one) => {
      const data = onlyData(one);
      const version = BROKEN[String(one.parameters['broken'])] ?? '';
      if (data === undefined) return [name(one), version, `failed: ${one.errors[0]}`, '', '', '', ''];
      return [
        name(one),
        version,
        data.serves === 'the old version' ? data.serves : `**${data.serves}**`,
        `${figure(data.lost, 0)} of ${figure(data.sent, 0)}`,
        data.code === 'SIGTERM' ? `none: ended after ${figure(data.commandMs / 1000, 0)} s` : String(data.code),
        data.message === '' ? '(nothing)' : `\`${data.message.replaceAll('`', "'")}\``,
        yes(data.nextDeploy),
      ];
    }),
  );
}

export function killedManagerTable({ killedManager }: Collected): string {
  return table(
    [
      '',
      'lost in 2 s without it',
      'lost when it comes back',
      'without service',
      'next deploy works',
      'app processes left over',
    ],
    killedManager.map((one) => {
      if (one.runs.length === 0) return [name(one), `failed: ${one.errors[0]}`, '', '', '', ''];
      const runs = one.runs.filter((run) => run !== null);
      if (runs.length === 0) return [name(one), 'there is no process to kill', '', '', '', ''];
      const figures = (value: (run: KilledManagerResult) => number | null): string => spread(runs.map(value), 0);
      return [
        name(one),
        figures(({ lostWithout }) => lostWithout),
        figures(({ lostAtRestart }) => lostAtRestart),
        runs.some(({ recoveryMs }) => recoveryMs === null)
          ? 'to the end'
          : `${figures(({ recoveryMs }) => recoveryMs)} ms`,
        yes(runs.every(({ restarted, nextDeploy }) => restarted && nextDeploy)),
        figures(({ strays }) => strays),
      ];
    }),
  );
}

export function killedBackendTable({ killedBackend }: Collected): string {
  return table(
    ['', 'lost', 'ms until it serves again', 'who repairs it', 'then serves'],
    killedBackend.map((one) => {
      const cron = one.runs.some(({ healMs }) => healMs !== null);
      const never = one.runs.some(({ recoveryMs }) => recoveryMs === null);
      return [
        `${name(one)}${one.parameters['when'] === 'warm' ? ', right after a deploy' : ''}`,
        one.runs.length === 0
          ? `failed: ${one.errors[0]}`
          : spread(
              one.runs.map(({ lost }) => lost),
              0,
            ),
        never
          ? 'never'
          : `${spread(
              one.runs.map(({ recoveryMs }) => recoveryMs),
              0,
            )}${cron ? ' from `keepalive` on; cron calls it every 60,000' : ''}`,
        never ? 'nobody' : cron ? 'cron' : 'the manager',
        never
          ? '–'
          : [...new Set(one.runs.map(({ serves }) => (serves === 1 ? 'the old version' : 'the same version')))].join(
              ', ',
            ),
      ];
    }),
  );
}

export function memoryTable({ deploys }: Collected): string {
  const fast = deploys.filter(({ load, runs }) => load === 'fast' && runs.length > 0);
  return table(
    ['', 'resident memory of the manager after the deploys, MiB'],
    [...new Set(fast.map(({ peer }) => peer))]
      .filter(({ proxy }) => proxy !== 'nginx keepalive')
      .map((peer) => {
        const values = fast
          .filter((one) => one.peer === peer)
          .flatMap(({ runs }) => runs.map(({ managerRssMiB }) => managerRssMiB));
        return [name({ peer }), values.every((value) => value === 0) ? '0 (no process stays)' : spread(values, 0)];
      }),
  );
}

/** A status command's time by that of a bare start, in turn within one run. */
export const overFloor = ({ command, floor }: StatusCost, key: 'wallMs' | 'cpuMs'): number =>
  command[key].median / floor[key].median;

export function statusTable({ status }: Collected): string {
  return table(
    ['', 'wall ms', 'bare start', 'ratio', 'CPU ms', 'bare start', 'ratio'],
    status.flatMap((one) => {
      const runs = one.runs.filter((run) => run !== null);
      if (runs.length === 0) return [];
      const columns = (key: 'wallMs' | 'cpuMs'): readonly string[] => [
        spread(
          runs.map(({ command }) => command[key].median),
          0,
        ),
        spread(
          runs.map(({ floor }) => floor[key].median),
          0,
        ),
        spread(
          runs.map((run) => overFloor(run, key)),
          2,
        ),
      ];
      return [[name(one), ...columns('wallMs'), ...columns('cpuMs')]];
    }),
  );
}

export function idleTable({ idle }: Collected): string {
  const managers = [...new Set(idle.flatMap(({ figures }) => Object.keys(figures)))];
  return table(
    ['', ...idle.flatMap(({ apps }) => [`${apps} ${apps === 1 ? 'app' : 'apps'}: CPU ms per minute`, 'MiB'])],
    managers.map((manager) => [
      manager.startsWith('graceful') ? `**${manager}**` : manager,
      ...idle.flatMap(({ figures }) => {
        const found = figures[manager];
        if (found === undefined) return ['–', '–'];
        return 'error' in found
          ? [`failed: ${found.error}`, '']
          : [figure(found.cpuMsPerMinute, 0), figure(found.rssMiB, 0)];
      }),
    ]),
  );
}

export const socketsTable = ({ sockets }: Collected): string =>
  table(
    [
      'open unix sockets',
      '`status` ms',
      'its CPU',
      '`node -e 0`',
      '`update` ms',
      'its CPU',
      'one look at the table',
      'CPU while it drains',
      'end of the drain noticed after',
    ],
    sockets.map((one) => [
      figure(one.sockets, 0),
      figure(one.statusMs, 0),
      figure(one.statusCpuMs, 0),
      figure(one.floorMs, 0),
      figure(one.updateMs, 0),
      figure(one.updateCpuMs, 0),
      `${figure(one.lookMs, 1)} ms`,
      `${figure(one.drainCpuPercent, 1)} %`,
      `${figure(one.noticedMs, 0)} ms`,
    ]),
  );

const HISTORY_COMMANDS = ['status', 'keepalive', 'update'] as const;

export const historyTable = ({ history }: Collected): string =>
  table(
    [
      'updates that the state dir has seen',
      ...HISTORY_COMMANDS.flatMap((command) => [`\`${command}\` ms`, '÷ fresh', 'CPU ÷ fresh']),
      'files',
      'bytes in them',
    ],
    history.map((one) => [
      figure(one.updates, 0),
      ...HISTORY_COMMANDS.flatMap((command) => {
        const { wallMs, wallRatio, cpuRatio } = one[command];
        return [written(wallMs, 0), written(wallRatio, 2), written(cpuRatio, 2)];
      }),
      figure(one.files, 0),
      figure(one.bytes, 0),
    ]),
  );
