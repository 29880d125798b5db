import type { Pipeline } from '../../model/pipeline';
import type { Job } from './jobs';

/** What holds on every engine. `runner` is how a file says that a job runs on a machine of one's own. */
export function commonWarnings(pipeline: Pipeline, jobs: readonly Job[], { runner }: { readonly runner: string }): string[] {
  const environments = [...new Set(jobs.flatMap((job) => job.environment ?? []))];
  const secrets = [...new Set(pipeline.steps.flatMap((step) => step.secrets))];
  return [
    ...environments.map(
      (name) => `what is live in ${name} is on record where it was deployed: its jobs need one machine of your own that stays (${runner})`,
    ),
    ...(secrets.length > 0 ? [`${pipeline.service} needs the secrets ${secrets.join(', ')} there`] : []),
  ];
}
