import type { Repository } from '../git/repository';
import type { Tokens } from '../model/tokens';
import type { CiName, CiPipeline } from './ci-service';
import { failureOf } from './failure-of';
import type { DeploymentHistory } from './ci-client';

/** What the host of the team has on record of an environment, or why that is missing. */
export type TeamHistory =
  | {
      readonly state: 'read';
      readonly name: CiName;
      readonly label: string;
      readonly place: string;
      readonly history: DeploymentHistory;
    }
  | { readonly state: 'missing'; readonly name: CiName; readonly why: string; readonly hint?: string };

export interface HistoryRequest {
  readonly repository: Repository;
  readonly service: CiPipeline;
  /** All of the repository. */
  readonly services: readonly CiPipeline[];
  readonly environment: string;
  /** ISO 8601. */
  readonly since: string;
  readonly tokens: Tokens;
  readonly signal: AbortSignal;
}

/** For all of it together: a person waits. */
const longestMs = 60_000;

/** Asks the CI service that the pipeline names; undefined where it names none. */
export async function readTeamHistory(request: HistoryRequest): Promise<TeamHistory | undefined> {
  const { repository, service, services, environment, since, tokens } = request;
  const { engine: definition } = service.pipeline;
  if (!definition) return undefined;
  const name = definition.kind;
  const missing = (why: string, hint?: string): TeamHistory => ({ state: 'missing', name, why, ...(hint !== undefined && { hint }) });
  const { connectToCi } = await import('./connect');
  const opened = await connectToCi(service.pipeline, undefined, { repository, services, tokens, proxy: 'environment' });
  if (!opened.ok) return missing(opened.failure.message, opened.failure.hint);
  const { engine } = opened.value;
  if (!engine.deploymentHistory) return missing(`${engine.label} keeps no record of deployments`);
  const sibling = services.find((one) => one.folder !== service.folder && Object.hasOwn(one.pipeline.environments, environment));
  if (sibling)
    return missing(
      `a record at ${engine.label} does not say which service it is of, and ${sibling.pipeline.service} is in ${environment}, too`,
    );
  const late = AbortSignal.timeout(longestMs);
  const told = await engine.deploymentHistory(environment, since, AbortSignal.any([request.signal, late]));
  if (told.state === 'failed' && late.aborted) return missing(`${engine.label} did not tell all of it within ${longestMs / 1000} s`);
  if (told.state === 'failed') return missing(told.message, failureOf(told).hint);
  return { state: 'read', name, label: engine.label, place: engine.place, history: told.value };
}
