import * as assert from 'node:assert/strict';
import { openGitlabClient } from '../../../../src/core/ci/gitlab/gitlab-client';
import type { DeploymentHistory } from '../../../../src/core/ci/ci-client';
import { HttpClient } from '../../../../src/core/http/http-client';
import { GitlabServer } from '../../../support/ci/gitlab-server';
import { ScriptedRuns, type ScriptedDeployment } from '../../../support/ci/scripted-runs';
import { OnGithub } from '../../../support/ci/on-github';
import { failureOf, never, valueOf } from '../../../support/ci/remote-answers';

/** In the order of the tests: a minute of 2026-11-24 after 10:00 UTC each. */
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 24, 10, minute));
const since = at(0).toISOString();

function put(runs: ScriptedRuns, name: string, minute: number, state: ScriptedDeployment['state'], environment = 'production'): void {
  const id = String(100 + runs.deployments.length);
  runs.deployments.unshift({ id, environment, commit: name.repeat(40), ref: 'main', by: 'ada', createdAt: at(minute), state, url: '' });
}
/** `10:05 a live`, oldest first. */
function told({ deployments }: DeploymentHistory): string[] {
  return deployments.map(({ at: when, commit, state, failedAt }) => {
    return `${when.slice(11, 16)} ${commit[0]} ${state}${failedAt === undefined ? '' : `, failed ${failedAt.slice(11, 16)}`}`;
  });
}

describe('the history of deployments at GitHub', () => {
  const on = new OnGithub();
  const read = async (from = since): Promise<DeploymentHistory> => {
    const answer = await on.engine.deploymentHistory?.('production', from, never);
    assert.ok(answer);
    return valueOf(answer);
  };

  it('is what went live in the environment, oldest first; what never was live is not in it', async () => {
    put(on.runs, 'a', 1, 'success');
    put(on.runs, 'b', 2, 'success', 'staging');
    put(on.runs, 'c', 3, 'failure');
    put(on.runs, 'd', 4, 'in_progress');
    put(on.runs, 'e', 5, 'inactive');
    put(on.runs, 'f', 6, 'success');
    assert.deepEqual(told(await read()), ['10:01 a live', '10:05 e gone', '10:06 f live']);
    assert.equal((await read()).wholeSince, undefined);
  });

  it('tells when each went live first, and whether it failed after that', async () => {
    put(on.runs, 'a', 1, 'failure');
    const status = (state: string, minute: number): object => ({ state, created_at: at(minute).toISOString() });
    on.server.fault = ({ path }) =>
      path.endsWith('/statuses')
        ? { reply: { body: [status('error', 9), status('inactive', 8), status('success', 5), status('in_progress', 2)] } }
        : undefined;
    assert.deepEqual(told(await read()), ['10:05 a live, failed 10:09']);
  });

  it('goes back to the last one before the time that is asked for, and no further', async () => {
    await on.open({ pageSize: 4 });
    for (let minute = 1; minute <= 40; minute++) put(on.runs, 'a', minute, 'success');
    const history = await read(at(35).toISOString());
    assert.equal(told(history).at(-1), '10:40 a live');
    assert.ok(told(history).includes('10:34 a live'));
    assert.ok(on.server.asked.length < 12, `${on.server.asked.length} requests`);
  });

  it('ends where there are too many, and says since when it is whole', async () => {
    for (let index = 0; index < 230; index++) put(on.runs, 'a', index / 10, 'success');
    const { deployments, wholeSince } = await read();
    assert.ok(deployments.length >= 200 && deployments.length < 210, String(deployments.length));
    assert.equal(wholeSince, deployments[0]?.at);
  });

  it('is missing as a whole where a part of it is', async () => {
    put(on.runs, 'a', 1, 'success');
    on.server.fault = ({ path }) => (path.endsWith('/statuses') ? { reply: { status: 403, body: { message: 'Forbidden' } } } : undefined);
    const answer = await on.engine.deploymentHistory?.('production', since, never);
    assert.ok(answer);
    assert.equal(failureOf(answer).reason, 'token');
  });

  it('passes over what names no commit: what a server says becomes an argument of git', async () => {
    put(on.runs, 'a', 1, 'success');
    const [one] = on.runs.deployments;
    if (one) on.runs.deployments[0] = { ...one, commit: '--output=/tmp/mine' };
    assert.deepEqual(told(await read()), []);
  });
});

describe('the history of deployments at GitLab', () => {
  let server: GitlabServer;
  let runs: ScriptedRuns;

  beforeEach(async () => {
    runs = new ScriptedRuns({ stage: [] });
    server = await GitlabServer.start(runs, {});
  });
  afterEach(async () => server.stop());

  const read = async (from = since): Promise<DeploymentHistory> => {
    const settings = { server: server.url, project: 'acme/shop', services: ['shop'], service: 'shop' };
    const engine = openGitlabClient(settings, new HttpClient({ proxy: 'host', retryMs: 1 }), async () => Promise.resolve(server.token));
    const answer = await engine.deploymentHistory?.('production', from, never);
    assert.ok(answer);
    return valueOf(answer);
  };

  it('is what went live in the environment, oldest first; what never was live is not in it', async () => {
    put(runs, 'a', 1, 'success');
    put(runs, 'b', 2, 'success', 'staging');
    put(runs, 'c', 3, 'failure');
    put(runs, 'd', 4, 'in_progress');
    put(runs, 'e', 5, 'inactive');
    put(runs, 'f', 6, 'success');
    assert.deepEqual(told(await read()), ['10:01 a live', '10:05 e gone', '10:06 f live']);
  });

  it('has what jobs deployed live when they ended', async () => {
    const run = runs.begin({ commit: 'c'.repeat(40) });
    const job = run.job('stage').start();
    job.deployedTo = { environment: 'production', url: '' };
    job.end('passed');
    assert.deepEqual(
      (await read()).deployments.map((one) => one.at),
      [job.finishedAt?.toISOString()],
    );
  });

  it('goes back to the last one before the time that is asked for', async () => {
    for (let index = 0; index < 250; index++) put(runs, 'a', index / 10, 'success');
    const history = await read(at(20).toISOString());
    assert.equal(history.deployments.filter((one) => one.at < at(20).toISOString()).length, 1);
    assert.equal(server.asked.length, 1);
    assert.equal((await read(at(-60).toISOString())).deployments.length, 250);
  });

  it('ends where there are too many, and says since when it is whole', async () => {
    for (let index = 0; index < 1010; index++) put(runs, 'a', index / 100, 'success');
    const { deployments, wholeSince } = await read();
    assert.deepEqual([deployments.length, wholeSince], [1000, deployments[0]?.at]);
  });
});
