import * as assert from 'node:assert/strict';
import type { CiFailure, RemoteJob, RemoteRun, CiResult } from '../../../src/core/ci/ci-client';

/** Nobody stops waiting. */
export const never = new AbortController().signal;

export function valueOf<T>(answer: CiResult<T> | undefined): T {
  assert.ok(answer?.state === 'ok', answer?.state === 'failed' ? answer.message : 'nothing was asked');
  return answer.value;
}

export function failureOf(answer: CiResult<unknown>): CiFailure {
  assert.ok(answer.state === 'failed', 'it went well');
  return answer;
}

export function jobOf(run: RemoteRun, name: string): RemoteJob {
  const job = run.jobs.find((one) => one.name === name);
  assert.ok(job, `no ${name} among ${run.jobs.map((one) => one.name).join(', ')}`);
  return job;
}
