import { isMap, isSeq } from 'yaml';
import type { ApprovalPlace } from '../ci-service';
import { approvalsInYaml, pairsOf, textOf, valueOf } from '../yaml-approvals';

/** Finds workflows that deploy only when a person starts them, and jobs whose environment may have reviewers. */
export function workflowApprovals(content: string): ApprovalPlace[] {
  // An exported workflow names its environments so that GitHub keeps a record of deployments.
  if (content.startsWith('# Written by `deliver export ')) return [];
  return approvalsInYaml(content, (workflow, lineOf) => {
    const places: ApprovalPlace[] = [];
    const jobs = pairsOf(valueOf(workflow, 'jobs'));
    for (const job of jobs) {
      const environment = pairsOf(job.value).find((pair) => textOf(pair.key) === 'environment');
      if (!environment) continue;
      const name = textOf(environment.value) ?? textOf(valueOf(pairsOf(environment.value), 'name')) ?? '';
      places.push({
        line: lineOf(environment.key),
        message: `job ${textOf(job.key) ?? ''} may wait for the reviewers of environment ${name}`,
        isPossible: true,
      });
    }
    const on = workflow.find((pair) => textOf(pair.key) === 'on');
    const isManual = on && triggersOf(on.value).every((trigger) => trigger === 'workflow_dispatch');
    // The name of a called workflow tells what the job does.
    const called = jobs.map((job) => textOf(valueOf(pairsOf(job.value), 'uses')));
    const names = [textOf(valueOf(workflow, 'name')), ...jobs.map((job) => textOf(job.key)), ...called];
    if (isManual && (places.length > 0 || names.some((name) => /deploy|release|publish|promote/i.test(name ?? ''))))
      places.push({ line: lineOf(on.key), message: 'the workflow deploys only when a person starts it: `workflow_dispatch`' });
    return places;
  });
}

function triggersOf(node: unknown): (string | undefined)[] {
  if (isMap(node)) return pairsOf(node).map((pair) => textOf(pair.key));
  return isSeq(node) ? node.items.map(textOf) : [textOf(node)];
}
