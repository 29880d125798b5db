import { isMap, isSeq, visit } from 'yaml';
import type { ApprovalPlace } from '../ci-service';
import { approvalsInYaml, textOf } from '../yaml-approvals';

/** Finds jobs with `when: manual`. */
export function pipelineApprovals(content: string): ApprovalPlace[] {
  return approvalsInYaml(content, (jobs, lineOf) =>
    jobs.flatMap((job) => {
      const places: ApprovalPlace[] = [];
      if (isMap(job.value) || isSeq(job.value))
        visit(job.value, {
          Pair(_, pair) {
            if (textOf(pair.key) !== 'when' || textOf(pair.value) !== 'manual') return;
            places.push({ line: lineOf(pair.key), message: `job ${textOf(job.key) ?? ''} waits for a person: \`when: manual\`` });
          },
        });
      return places;
    }),
  );
}
