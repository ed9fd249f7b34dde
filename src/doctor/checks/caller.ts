// Who calls keepalive when the backend dies at night, and `stop --inactive` when the old version is no longer needed.

import { cronLines, isCronRunning } from '../callers/cron.ts';
import { type CallingUnit, systemdUnits } from '../callers/systemd.ts';
import type { DoctorContext } from '../doctor.ts';
import { error, note, ok, type Remark, warning } from '../finding.ts';

export async function caller({ config, status }: DoctorContext): Promise<readonly Remark[]> {
  const lines = await cronLines(config);
  const keepalive = lines.filter(({ command }) => command === 'keepalive');
  if (status.supervisor !== null) {
    const remarks = [ok(`the supervisor (pid ${status.supervisor.pid}) looks after the app`)];
    return keepalive.length === 0
      ? remarks
      : [...remarks, note(`${keepalive[0]?.place} calls keepalive as well: it does no harm, and is not needed`)];
  }
  const units = await systemdUnits(config);
  const keepers = units.filter(({ command }) => command !== 'stop');
  const idle = keepers.filter(({ isActive }) => isActive === false);
  if (keepalive.length === 0 && keepers.length === 0)
    return [
      warning(
        'nobody calls keepalive: a backend that dies stays dead until somebody looks',
        '`graceful setup crontab --write`, or `graceful setup systemd --write`',
      ),
    ];
  if (keepalive.length === 0 && idle.length === keepers.length)
    return [error(`${idle[0]?.name} is installed and not running`, `systemctl enable --now ${idle[0]?.name}`)];
  if (keepalive.length > 0 && keepers.length === 0 && !isCronRunning())
    return [
      error(`${keepalive[0]?.place} calls keepalive, and no cron daemon is running`, 'systemctl enable --now cron'),
    ];

  const found = ok(`keepalive is called by ${keepalive[0]?.place ?? keepers.find(isRunning)?.name}`);
  const stops =
    units.some((unit) => unit.command !== 'keepalive' && isRunning(unit)) ||
    lines.some(({ command }) => command === 'stop');
  if (stops) return [found];
  return [
    found,
    note(
      'nobody calls `stop --inactive`: the old version stays in memory until the next update',
      '`graceful setup crontab --write`',
    ),
  ];
}

/** As far as anybody knows: where systemd does not run, nobody does. */
const isRunning = ({ isActive }: CallingUnit): boolean => isActive !== false;
