// The steps of each deed, found out by doing it once.
import { type Deed, logOf } from './deeds.ts';
import { type Host, setStage } from './stage.ts';
import { readingStepsIn, type Step, stepsIn } from './steps.ts';
import { logAt } from './strace.ts';

export async function recordSteps(deed: Deed, host: Host): Promise<readonly Step[]> {
  await using stage = await setStage(deed, host);
  {
    await using doing = await stage.begin(null);
    const run = await doing.finished;
    if (run !== null && run.code !== 0)
      throw new Error(`${deed.name}, ${host}: cannot be recorded\n${run.stdout}${run.stderr}`);
  }
  const log = logAt(logOf(stage.app));
  const steps = stepsIn(log);
  // What changes nothing can only be killed while it reads.
  return steps.length > 0 ? steps : readingStepsIn(log);
}
