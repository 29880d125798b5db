import { recordOf, textOf } from '../../support/json-value';
import type { Step } from '../../model/pipeline';
import type { EventBody, Release, RunEvent } from '../../model/events';
import type { RunState } from '../../model/run-state';

/** Begins a line of a job's log that tells an event of Deliver's own: what was deployed, verified or taken back, and where. */
export const mark = '@deliver ';

/** As `deliver step` prints it for whoever follows the job. */
export function jobEvent(event: RunEvent): string | undefined {
  if (event.type !== 'deployed' && event.type !== 'verified' && event.type !== 'rolled-back') return undefined;
  return `${mark}${JSON.stringify(event)}`;
}

/**
 * The events that lines of a log tell. Anything that a job runs can print such a line, so only what its step is there for is taken
 * from it: its own environment and its own service.
 */
export function jobEventsIn(lines: readonly string[], step: Step, service: string): EventBody[] {
  const environment = step.deploy ?? step.verifies;
  if (environment === undefined) return [];
  return lines.flatMap((line) => {
    const at = line.indexOf(mark);
    return at < 0 ? [] : (read(line.slice(at + mark.length), step, environment, service) ?? []);
  });
}

/** Those of them that a run does not tell yet, as events of that run. */
export function newJobEvents(lines: readonly string[], step: Step, { id, service, deployments }: RunState): EventBody[] {
  return jobEventsIn(lines, step, service)
    .map((event): EventBody => {
      // The job called it by a name of its own.
      if (event.type === 'deployed') return { ...event, release: { ...event.release, id } };
      return event.type === 'rolled-back' ? { ...event, from: { ...event.from, id } } : event;
    })
    .filter((event) => !isToldBy(deployments, event));
}

/** By a process that ended before it told the end of the step. */
function isToldBy(deployments: RunState['deployments'], event: EventBody): boolean {
  return deployments.some((known) => {
    if (event.type === 'deployed') return known.environment === event.environment && known.release.deployedAt === event.release.deployedAt;
    if (event.type === 'verified') return known.environment === event.environment && known.state !== 'unverified';
    return event.type === 'rolled-back' && known.environment === event.environment && known.state === 'rolled-back';
  });
}

function read(text: string, step: Step, environment: string, service: string): EventBody | undefined {
  let event: Readonly<Record<string, unknown>> | undefined;
  try {
    event = recordOf(JSON.parse(text));
  } catch {
    return undefined; // broken off, or no event at all
  }
  if (event?.['environment'] !== environment) return undefined;
  const previous = releaseOf(event['previous']);
  switch (event['type']) {
    case 'deployed': {
      const release = releaseOf(event['release']);
      if (step.deploy === undefined || !release || event['service'] !== service) return undefined;
      const url = textOf(event['url']) ?? '';
      return { type: 'deployed', environment, service, url: /^https?:\/\//.test(url) ? url : '', release, ...(previous && { previous }) };
    }
    case 'verified':
      return step.verifies === undefined ? undefined : { type: 'verified', environment, step: step.name };
    case 'rolled-back': {
      const [from, to] = [releaseOf(event['from']), releaseOf(event['to'])];
      const { errorsMs } = event;
      if (!from) return undefined;
      return {
        type: 'rolled-back',
        environment,
        from,
        ...(to && { to }),
        reason: (textOf(event['reason']) ?? 'it was taken back').slice(0, 500),
        ...(typeof errorsMs === 'number' && errorsMs >= 0 && { errorsMs }),
      };
    }
    default:
      return undefined;
  }
}

function releaseOf(value: unknown): Release | undefined {
  const release = recordOf(value);
  const [id, commit, tree, deployedAt] = ['id', 'commit', 'tree', 'deployedAt'].map((name) => textOf(release?.[name]));
  if (id === undefined || commit === undefined || tree === undefined || deployedAt === undefined) return undefined;
  if ([commit, tree].some((hash) => !/^[0-9a-f]{40,64}$/.test(hash)) || Number.isNaN(Date.parse(deployedAt))) return undefined;
  const [subject, by] = ['subject', 'by'].map((name) => textOf(release?.[name])?.slice(0, 300));
  return {
    id,
    commit,
    tree,
    deployedAt,
    ...(subject !== undefined && { subject }),
    ...(by !== undefined && { by }),
    ...(release?.['dirty'] === true && { dirty: true }),
    ...(release?.['verified'] === true && { verified: true }),
  };
}
