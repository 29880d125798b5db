import { openJenkinsClient } from '../../../src/core/ci/jenkins/jenkins-client';
import type { CiClient, RemoteRun } from '../../../src/core/ci/ci-client';
import { HttpClient } from '../../../src/core/http/http-client';
import type { JenkinsServer } from './jenkins-server';
import { jobOf, never, valueOf } from './remote-answers';

/** An engine that asks a Jenkins of the tests. */
export function follow(jenkins: JenkinsServer, token: string | undefined = jenkins.token): CiClient {
  const steps = Object.keys(jenkins.runs.jobs);
  const settings = { server: jenkins.url, job: jenkins.job, steps };
  const tokens = async (kind: string, host: string): Promise<string | undefined> =>
    Promise.resolve(kind === 'jenkins' && host === jenkins.origin ? token : undefined);
  return openJenkinsClient(settings, new HttpClient({ proxy: 'host', retryMs: 1, timeoutMs: 5000 }), tokens);
}

/** The run as a line a job. */
export function shown({ state, reason, jobs }: RemoteRun): string[] {
  const line = (name: string, one: string, why?: string): string => `${name} ${one}${why === undefined ? '' : `: ${why}`}`;
  return [line('run', state, reason), ...jobs.map((job) => line(job.name, job.state, job.reason))];
}

/** Returns the readable log from an offset. */
export async function logOf(engine: CiClient, run: RemoteRun, name: string, from = 0): Promise<{ text: string; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  const plain = engine.plain();
  const end = valueOf(await engine.readLog(run, jobOf(run, name), from, (bytes) => chunks.push(plain.push(bytes)), never));
  return { text: Buffer.concat([...chunks, plain.flush()]).toString(), ...end };
}
