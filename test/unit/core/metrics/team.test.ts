import * as assert from 'node:assert/strict';
import type { PastDeployment } from '../../../../src/core/ci/ci-client';
import { journaledDeployments } from '../../../../src/core/metrics/deployment';
import { deploymentsOfTeam, type TeamDeployments } from '../../../../src/core/metrics/team';
import type { RunState } from '../../../../src/core/model/run-state';
import { at, commit, run } from './recorded-runs';

const about = { service: 'shop', environment: 'production', source: 'github' } as const;
const record = (time: string, name: string, state: PastDeployment['state'] = 'live', failed?: string): PastDeployment => ({
  ...{ commit: commit(name), at: at(time), state },
  ...(failed !== undefined && { failedAt: at(failed) }),
});
/** Each commit contains those with an earlier letter. `x` and `y` are two branches; the history of `?` is unknown. */
const contains = async (one: string, earlier: string): Promise<boolean | undefined> => {
  const [last = '', first = ''] = [one[0], earlier[0]];
  if ([last, first].includes('?')) return Promise.resolve(undefined);
  return Promise.resolve(last !== 'y' && first <= last);
};
const teamDeployments = async (runs: readonly RunState[], records: readonly PastDeployment[] = []): Promise<TeamDeployments> =>
  deploymentsOfTeam(journaledDeployments(runs, 'shop', 'production'), records, about, contains);
/** Returns deployments as `10:00 a journals, instead of z; failed 11:00, back to z`. */
const summary = ({ deployments }: TeamDeployments): string[] =>
  deployments.map(({ at: when, commit: id, source, previous, failure }) => {
    const name = (of: string): string => of.replace(/0+$/, '');
    const instead = previous === undefined ? '' : `, instead of ${name(previous)}`;
    const back = failure?.back === undefined ? '' : `, back to ${name(failure.back)}`;
    return `${when.slice(11, 16)} ${name(id)} ${source}${instead}${failure ? `; failed ${failure.at.slice(11, 16)}${back}` : ''}`;
  });

describe('deploymentsOfTeam with journals only', () => {
  it('lists deployments with the commits that they replaced, oldest first', async () => {
    const runs = [run('11:00', 'b', { previous: 'a' }), run('10:00', 'a')];
    assert.deepEqual(summary(await teamDeployments(runs)), ['10:00 a journals', '11:00 b journals, instead of a']);
  });

  it("lists only the service's deployments to the environment", async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { service: 'inventory' }), run('12:00', 'c', { environment: 'staging' })];
    assert.deepEqual(summary(await teamDeployments(runs)), ['10:00 a journals']);
  });

  it('lists a promotion as a deployment', async () => {
    const runs = [run('10:00', 'a', { environment: 'staging' }), run('11:00', 'a', { promotion: true })];
    assert.deepEqual(summary(await teamDeployments(runs)), ['11:00 a journals']);
  });

  it('counts a delivery of the live commit as no deployment', async () => {
    const again = [run('11:00', 'a', { previous: 'a' }), run('12:00', 'a', { previous: 'a' })];
    const team = await teamDeployments([run('10:00', 'a'), ...again, run('13:00', 'b', { previous: 'a' })]);
    assert.deepEqual(summary(team), ['10:00 a journals', '13:00 b journals, instead of a']);
    assert.deepEqual(team.redeliveries, [at('11:00'), at('12:00')]);
  });

  it('counts a delivery of the live commit that was rolled back as a failed deployment', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'a', { previous: 'a', back: ['11:05', 'a'] })];
    assert.deepEqual(summary(await teamDeployments(runs)), ['10:00 a journals', '11:00 a journals, instead of a; failed 11:05, back to a']);
  });

  it('marks any rollback as a failure', async () => {
    for (const byHand of [true, undefined]) {
      const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:05', 'a'], ...(byHand && { byHand }) })];
      assert.deepEqual(summary(await teamDeployments(runs)), [
        '10:00 a journals',
        '11:00 b journals, instead of a; failed 11:05, back to a',
      ]);
    }
  });

  it('marks a rollback without an earlier release as a failure', async () => {
    assert.deepEqual(summary(await teamDeployments([run('10:00', 'a', { back: ['10:01'] })])), ['10:00 a journals; failed 10:01']);
  });

  it('treats the delivery of an earlier release as a rollback', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a' }), run('12:00', 'a', { previous: 'b' })];
    assert.deepEqual(summary(await teamDeployments(runs)), ['10:00 a journals', '11:00 b journals, instead of a; failed 12:00, back to a']);
  });

  it('does not treat alternating branches as rollbacks', async () => {
    const runs = [run('10:00', 'x'), run('11:00', 'y', { previous: 'x' }), run('12:00', 'x', { previous: 'y' })];
    assert.deepEqual(summary(await teamDeployments(runs)), [
      '10:00 x journals',
      '11:00 y journals, instead of x',
      '12:00 x journals, instead of y',
    ]);
  });

  it('does not treat a switch to a newer release as a rollback', async () => {
    const older = run('10:00', 'a', { back: ['12:00', 'b'], byHand: true });
    const deployments = older.deployments.map(({ takenBack, ...one }) => {
      const to = takenBack?.to && { ...takenBack.to, deployedAt: at('11:00') };
      return { ...one, ...(takenBack && { takenBack: { ...takenBack, ...(to && { to }) } }) };
    });
    assert.deepEqual(summary(await teamDeployments([{ ...older, deployments }])), ['10:00 a journals']);
  });

  it('lists a release again after its rollback', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:05', 'a'] }), run('12:00', 'b', { previous: 'a' })];
    assert.deepEqual(summary(await teamDeployments(runs)).slice(1), [
      '11:00 b journals, instead of a; failed 11:05, back to a',
      '12:00 b journals, instead of a',
    ]);
  });
});

describe('deploymentsOfTeam with host records', () => {
  it("merges the team's deployments with local ones in order", async () => {
    const runs = [run('10:00', 'a'), run('12:00', 'c', { previous: 'a' })];
    assert.deepEqual(summary(await teamDeployments(runs, [record('11:00', 'b')])), [
      '10:00 a journals',
      '11:00 b github, instead of a',
      '12:00 c journals, instead of b',
    ]);
  });

  it("replaces the environment's previous commit by the recorded one", async () => {
    const runs = [run('12:00', 'c', { previous: 'b' })];
    assert.deepEqual(summary(await teamDeployments(runs, [record('11:00', 'a')])), ['11:00 a github', '12:00 c journals, instead of b']);
  });

  it('merges a record at the end of a long run with its journal', async () => {
    const runs = [run('10:00', 'a', { until: '10:40' })];
    assert.deepEqual(summary(await teamDeployments(runs, [record('10:39', 'a')])), ['10:00 a journals']);
    assert.equal((await teamDeployments(runs, [record('10:39', 'a')])).repeats, 0);
  });

  it('merges records of a rollback with its journal', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:30', 'a'], byHand: true })];
    const records = [record('10:00', 'a'), record('11:01', 'b'), record('11:30', 'b', 'gone'), record('11:31', 'a')];
    const team = await teamDeployments(runs, records);
    assert.deepEqual(summary(team), ['10:00 a journals', '11:00 b journals, instead of a; failed 11:30, back to a']);
    assert.deepEqual([team.repeats, team.inactive], [0, 0]);
  });

  it('lists a later deployment of the same commit by others', async () => {
    const runs = [run('10:00', 'a', { back: ['10:01'] })];
    assert.deepEqual(summary(await teamDeployments(runs, [record('15:00', 'a')])), ['10:00 a journals; failed 10:01', '15:00 a github']);
  });

  it('treats a record of an earlier release as a rollback', async () => {
    const records = [record('10:00', 'a'), record('11:00', 'b'), record('12:00', 'a')];
    const failed = ', instead of a; failed 12:00, back to a';
    assert.deepEqual(summary(await teamDeployments([], records)), ['10:00 a github', `11:00 b github${failed}`]);
    const runs = [run('11:00', 'b', { previous: 'a' })];
    assert.deepEqual(summary(await teamDeployments(runs, records)), ['10:00 a github', `11:00 b journals${failed}`]);
  });

  it('marks only the live release as failed', async () => {
    const records = [record('09:00', 'a'), record('10:00', 'b'), record('11:00', 'c'), record('12:00', 'a')];
    assert.deepEqual(summary(await teamDeployments([], records)), [
      '09:00 a github',
      '10:00 b github, instead of a',
      '11:00 c github, instead of b; failed 12:00, back to a',
    ]);
  });

  it('marks a live deployment as failed after a failure record', async () => {
    assert.deepEqual(summary(await teamDeployments([], [record('10:00', 'a', 'live', '10:30')])), ['10:00 a github; failed 10:30']);
  });

  it('ignores and counts records of live and inactive commits', async () => {
    const team = await teamDeployments(
      [],
      [record('10:00', 'a'), record('11:00', 'a'), record('12:00', 'x', 'gone'), record('12:01', 'a')],
    );
    assert.deepEqual(summary(team), ['10:00 a github']);
    assert.deepEqual([team.repeats, team.inactive], [2, 1]);
  });

  it('ignores records if git does not know the order', async () => {
    const team = await teamDeployments([], [record('10:00', 'a'), record('11:00', '?'), record('12:00', 'a')]);
    assert.deepEqual(summary(team), ['10:00 a github', '11:00 ? github, instead of a']);
    assert.equal(team.repeats, 1);
  });
});
