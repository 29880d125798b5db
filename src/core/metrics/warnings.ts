import type { TeamHistory } from '../ci/read-history';
import type { Pipeline } from '../model/pipeline';
import { keptRuns } from '../runner/tidy';
import { rangeOf, type ProductionDeployment } from './deployment';
import { counted } from '../support/format';
import { leadTimes, type Carried } from './metrics';
import type { TeamDeployments } from './team';

export interface Noted {
  readonly pipeline: Pipeline;
  readonly environment: string;
  /** `shared`: everybody delivers to the same one. */
  readonly where: 'shared' | 'there' | 'here';
  /** Since when the figures were asked for, and since when each of the sources tells all (ISO 8601, UTC). */
  readonly asked: string;
  readonly journalsSince: string;
  readonly wholeSince: string;
  /** Deployments in the window to an environment of the same name that is another one. */
  readonly elsewhere: number;
  readonly host: TeamHistory | undefined;
  readonly team: TeamDeployments;
  readonly inWindow: readonly Carried[];
}

/** What the figures do not hold and why, each in a sentence: nothing is left out in silence. */
export function notesOf(noted: Noted): string[] {
  const { pipeline, environment, where, asked, journalsSince, wholeSince, elsewhere, host, team, inWindow } = noted;
  return [
    ...(pipeline.release === undefined
      ? [`delivery.yaml names no \`release\`: ${environment} is the last that the pipeline deploys to`]
      : []),
    ...(journalsSince > asked ? [`since ${day(journalsSince)} only: this machine remembers ${keptRuns} runs`] : []),
    ...(wholeSince > asked ? [`since ${day(wholeSince)} only: there are more deployments on record than are read at once`] : []),
    ...hostNotes(host, where),
    ...(elsewhere > 0
      ? [`not counted: ${counted(elsewhere, 'deployment')} to another ${environment}: of the kind \`process\` each machine has its own`]
      : []),
    ...recordNotes(team),
    ...changeNotes(inWindow, team.deployments),
  ];
}

function hostNotes(host: TeamHistory | undefined, where: Noted['where']): string[] {
  const missing = 'what the rest of the team delivered is missing';
  if (host?.state === 'missing') return [`${missing}: ${host.why}${host.hint === undefined ? '' : ` (${host.hint})`}`];
  return host || where === 'here' ? [] : [`${missing}: delivery.yaml names no \`engine\` that has it on record`];
}

function recordNotes({ again, gone }: TeamDeployments): string[] {
  return [
    ...(again > 0 ? [`not counted: ${counted(again, 'record')} of what was live already`] : []),
    ...(gone > 0 ? [`not counted: ${counted(gone, 'record')} of what is not live any more, and may never have been`] : []),
  ];
}

/** Of those that stayed: the changes of those that failed count when they come again. */
function changeNotes(inWindow: readonly Carried[], all: readonly ProductionDeployment[]): string[] {
  const unknown = inWindow.filter(({ deployment, committedAt }) => !deployment.failure && !committedAt);
  const first = unknown.filter(({ deployment }) => !rangeOf(deployment, all)).length;
  const missing = unknown.length - first;
  const { impossible } = leadTimes(inWindow);
  return [
    ...(first > 0 ? [`not known: the changes of ${counted(first, 'deployment')}, as nothing tells what was live before`] : []),
    ...(missing > 0
      ? [`not known: the changes of ${counted(missing, 'deployment')}, as they are not in this repository (git fetch may bring them)`]
      : []),
    ...(impossible > 0 ? [`not counted: ${counted(impossible, 'change')} that have a date after they were live: a clock is wrong`] : []),
  ];
}

function day(iso: string): string {
  return iso.slice(0, 10);
}
