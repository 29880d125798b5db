import type { EnvironmentDefinition } from '../pipeline/pipeline';
import { fail, type Result } from '../failure';
import type { Environment, ServiceStatus } from './environment';

export interface EnvironmentStatus {
  readonly environment: string;
  readonly kind: string;
  readonly running: boolean;
  readonly services: readonly ServiceStatus[];
}
export function openEnvironment(name: string, _definition: EnvironmentDefinition, _home: string, _supervisor: readonly string[]): Result<Environment> {
  return fail('usage', `${name}: not yet`);
}
export function readEnvironments(_home: string): EnvironmentStatus[] {
  return [];
}
export function liveFolders(_home: string): ReadonlySet<string> {
  return new Set();
}
