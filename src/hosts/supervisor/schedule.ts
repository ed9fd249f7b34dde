// The supervisor's own cron: keepalive and stop --inactive at the times of `schedule`.
import { CronJob } from 'cron';
import type { Schedule } from '../../core/config.ts';
import { fail, GracefulError } from '../../core/failure.ts';

export interface ScheduledWork {
  keepalive(): Promise<unknown>;
  stopInactive(olderThanMs: number): Promise<unknown>;
  /** A time passed while the former run of the job was still at work. */
  skipped(job: string): void;
}

/** Starts the jobs; returns how to end them. @throws `config` for an expression that cron does not understand. */
export function startSchedule(schedule: Schedule, file: string | null, work: ScheduledWork): () => void {
  const jobs = [
    jobFor('keepalive', schedule.keepalive, () => work.keepalive()),
    jobFor('stopInactive', schedule.stopInactive, () => work.stopInactive(schedule.stopInactiveOlderThanMs)),
  ].filter((job): job is CronJob => job !== null);
  for (const job of jobs) job.start();
  return () => {
    for (const job of jobs) void job.stop();
  };

  function jobFor(
    name: 'keepalive' | 'stopInactive',
    cronTime: string | null,
    run: () => Promise<unknown>,
  ): CronJob | null {
    if (cronTime === null) return null;
    let busy = false;
    const onTick = async (): Promise<void> => {
      if (busy) return work.skipped(name);
      busy = true;
      await run().catch(() => undefined); // told as an event by whoever ran it
      busy = false;
    };
    try {
      return new CronJob(cronTime, () => void onTick(), null, false, schedule.timeZone);
    } catch (cause) {
      if (cause instanceof GracefulError) throw cause;
      const key = `schedule.${name}`;
      const expected = 'a cron expression such as "*/5 * * * *", and a time zone such as Europe/Berlin';
      throw fail(
        'config',
        `${file ?? 'configuration'}: ${key}: found "${cronTime}", expected ${expected}`,
        { file, problems: [{ key, found: `"${cronTime}"`, expected }] },
        cause,
      );
    }
  }
}
