import type { Repository } from '../git/repository';
import type { Tokens } from '../model/tokens';
import type { CiName, CiPipeline } from './ci-service';
import { failureOf } from './failure-of';
import type { DeploymentHistory } from './ci-client';

/** The deployments of an environment that the team's host has on record, or why they are missing. */
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
  readonly services: readonly CiPipeline[];
  readonly environment: string;
  /** ISO 8601. */
  readonly since: string;
  readonly tokens: Tokens;
  readonly signal: AbortSignal;
}

/** In total, because a person waits. */
const timeoutMs = 60_000;

/** Reads the history from the CI service that the pipeline names. Returns undefined if it names none. */
export async function readTeamHistory(request: HistoryRequest): Promise<TeamHistory | undefined> {
  const { repository, service, services, environment, since, tokens } = request;
  const { engine: definition } = service.pipeline;
  if (!definition) return undefined;
  const name = definition.kind;
  const missing = (why: string, hint?: string): TeamHistory => ({ state: 'missing', name, why, ...(hint !== undefined && { hint }) });
  const { connectToCi } = await import('./connect');
  const opened = await connectToCi(service.pipeline, undefined, { repository, services, tokens, proxy: 'environment' });
  if (!opened.ok) return missing(opened.failure.message, opened.failure.hint);
  const { engine: client } = opened.value;
  if (!client.deploymentHistory) return missing(`${client.label} keeps no record of deployments`);
  const sibling = services.find((one) => one.folder !== service.folder && Object.hasOwn(one.pipeline.environments, environment));
  if (sibling) return missing(`records on ${client.label} do not name a service, and ${sibling.pipeline.service} also uses ${environment}`);
  const late = AbortSignal.timeout(timeoutMs);
  const answer = await client.deploymentHistory(environment, since, AbortSignal.any([request.signal, late]));
  if (answer.state === 'failed' && late.aborted)
    return missing(`${client.label} did not return the whole history within ${timeoutMs / 1000} s`);
  if (answer.state === 'failed') return missing(answer.message, failureOf(answer).hint);
  return { state: 'read', name, label: client.label, place: client.place, history: answer.value };
}
