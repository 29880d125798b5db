import type { Pipeline } from '../pipeline/pipeline';
import type { Job } from './jobs';

/** What holds on every engine. `runner` is how a file says that a job runs on a machine of one's own. */
export function commonNotes(pipeline: Pipeline, jobs: readonly Job[], { runner }: { readonly runner: string }): string[] {
  const onMachine = [...new Set(jobs.filter((job) => job.isOnMachine).map((job) => job.environment ?? ''))];
  const secrets = [...new Set(pipeline.steps.flatMap((step) => step.secrets))];
  return [
    ...onMachine.map((name) => `${name} lives on the machine that deploys to it: those jobs need a runner of your own (\`${runner}\`)`),
    ...(secrets.length > 0 ? [`set the secrets ${secrets.join(', ')} there`] : []),
  ];
}
