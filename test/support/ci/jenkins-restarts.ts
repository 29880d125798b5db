import type { ScriptedJob, ScriptedRun } from './scripted-runs';

export interface Restarted {
  readonly of: number;
  readonly stage: string;
}

/** The stages of the pipeline that Deliver exports: a job of its own, or those that run beside each other. */
export function topLevelStages(jobs: readonly ScriptedJob[]): { readonly name: string; readonly jobs: readonly ScriptedJob[] }[] {
  const depthOf = ({ needs }: ScriptedJob): number =>
    Math.max(0, ...jobs.filter(({ name }) => needs.includes(name)).map((job) => depthOf(job) + 1));
  const waves: ScriptedJob[][] = [];
  for (const job of jobs) (waves[depthOf(job)] ??= []).push(job);
  return waves.map((wave, index) => ({ name: wave.length === 1 ? (wave[0]?.name ?? '') : `wave ${index + 1}`, jobs: wave }));
}

/** What comes before the stage is entered, and not run. */
export function beginAt(run: ScriptedRun, stage: string): void {
  for (const { name, jobs } of topLevelStages(run.jobs)) {
    if (name === stage) return;
    for (const job of jobs) job.end('passed');
  }
}
