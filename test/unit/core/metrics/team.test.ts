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
/** Each commit goes on from those whose letter comes before its own; of `x` and `y`, two branches, and of `?` nothing is known. */
const contains = async (one: string, earlier: string): Promise<boolean | undefined> => {
  const [last = '', first = ''] = [one[0], earlier[0]];
  if ([last, first].includes('?')) return Promise.resolve(undefined);
  return Promise.resolve(last !== 'y' && first <= last);
};
const brought = async (runs: readonly RunState[], records: readonly PastDeployment[] = []): Promise<TeamDeployments> =>
  deploymentsOfTeam(journaledDeployments(runs, 'shop', 'production'), records, about, contains);
/** Each as `10:00 a journals, instead of z; failed 11:00, back to z`. */
const told = ({ deployments }: TeamDeployments): string[] =>
  deployments.map(({ at: when, commit: id, source, previous, failure }) => {
    const name = (of: string): string => of.replace(/0+$/, '');
    const instead = previous === undefined ? '' : `, instead of ${name(previous)}`;
    const back = failure?.back === undefined ? '' : `, back to ${name(failure.back)}`;
    return `${when.slice(11, 16)} ${name(id)} ${source}${instead}${failure ? `; failed ${failure.at.slice(11, 16)}${back}` : ''}`;
  });

describe('the deployments of a team, of journals alone', () => {
  it('are what went live, oldest first, with what each replaced', async () => {
    const runs = [run('11:00', 'b', { previous: 'a' }), run('10:00', 'a')];
    assert.deepEqual(told(await brought(runs)), ['10:00 a journals', '11:00 b journals, instead of a']);
  });

  it('are those of the service and the environment that are meant', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { service: 'inventory' }), run('12:00', 'c', { environment: 'staging' })];
    assert.deepEqual(told(await brought(runs)), ['10:00 a journals']);
  });

  it('hold a promotion as what it is for customers: a deployment', async () => {
    const runs = [run('10:00', 'a', { environment: 'staging' }), run('11:00', 'a', { promotion: true })];
    assert.deepEqual(told(await brought(runs)), ['11:00 a journals']);
  });

  it('have failed where they were taken back, however that was', async () => {
    for (const byHand of [true, undefined]) {
      const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:05', 'a'], ...(byHand && { byHand }) })];
      assert.deepEqual(told(await brought(runs)), ['10:00 a journals', '11:00 b journals, instead of a; failed 11:05, back to a']);
    }
  });

  it('have failed where there was nothing to go back to', async () => {
    assert.deepEqual(told(await brought([run('10:00', 'a', { back: ['10:01'] })])), ['10:00 a journals; failed 10:01']);
  });

  it('have failed where an earlier release is delivered over them, which is no deployment', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a' }), run('12:00', 'a', { previous: 'b' })];
    assert.deepEqual(told(await brought(runs)), ['10:00 a journals', '11:00 b journals, instead of a; failed 12:00, back to a']);
  });

  it('have not failed where two branches are delivered in turn', async () => {
    const runs = [run('10:00', 'x'), run('11:00', 'y', { previous: 'x' }), run('12:00', 'x', { previous: 'y' })];
    assert.deepEqual(told(await brought(runs)), ['10:00 x journals', '11:00 y journals, instead of x', '12:00 x journals, instead of y']);
  });

  it('have not failed where a person goes to a newer release', async () => {
    const older = run('10:00', 'a', { back: ['12:00', 'b'], byHand: true });
    const deployments = older.deployments.map(({ takenBack, ...one }) => {
      const to = takenBack?.to && { ...takenBack.to, deployedAt: at('11:00') };
      return { ...one, ...(takenBack && { takenBack: { ...takenBack, ...(to && { to }) } }) };
    });
    assert.deepEqual(told(await brought([{ ...older, deployments }])), ['10:00 a journals']);
  });

  it('count once more what comes again after it was taken back', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:05', 'a'] }), run('12:00', 'b', { previous: 'a' })];
    assert.deepEqual(told(await brought(runs)).slice(1), [
      '11:00 b journals, instead of a; failed 11:05, back to a',
      '12:00 b journals, instead of a',
    ]);
  });
});

describe('the deployments of a team, with records of its host', () => {
  it('hold those of others between one’s own', async () => {
    const runs = [run('10:00', 'a'), run('12:00', 'c', { previous: 'a' })];
    assert.deepEqual(told(await brought(runs, [record('11:00', 'b')])), [
      '10:00 a journals',
      '11:00 b github, instead of a',
      '12:00 c journals, instead of b',
    ]);
  });

  it('replace what the environment itself says, where no record does', async () => {
    const runs = [run('12:00', 'c', { previous: 'b' })];
    assert.deepEqual(told(await brought(runs, [record('11:00', 'a')])), ['11:00 a github', '12:00 c journals, instead of b']);
  });

  it('count once what both tell, also where it was put on record at the end of a long run', async () => {
    const runs = [run('10:00', 'a', { until: '10:40' })];
    assert.deepEqual(told(await brought(runs, [record('10:39', 'a')])), ['10:00 a journals']);
    assert.equal((await brought(runs, [record('10:39', 'a')])).again, 0);
  });

  it('count once what was taken back, and what came back then', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:30', 'a'], byHand: true })];
    const records = [record('10:00', 'a'), record('11:01', 'b'), record('11:30', 'b', 'gone'), record('11:31', 'a')];
    const team = await brought(runs, records);
    assert.deepEqual(told(team), ['10:00 a journals', '11:00 b journals, instead of a; failed 11:30, back to a']);
    assert.deepEqual([team.again, team.gone], [0, 0]);
  });

  it('keep apart the same commit that others deployed at another time, after something else', async () => {
    const runs = [run('10:00', 'a', { back: ['10:01'] })];
    assert.deepEqual(told(await brought(runs, [record('15:00', 'a')])), ['10:00 a journals; failed 10:01', '15:00 a github']);
  });

  it('see from an earlier release that is deployed again that the later one was taken back, whoever delivered it', async () => {
    const records = [record('10:00', 'a'), record('11:00', 'b'), record('12:00', 'a')];
    const failed = ', instead of a; failed 12:00, back to a';
    assert.deepEqual(told(await brought([], records)), ['10:00 a github', `11:00 b github${failed}`]);
    const runs = [run('11:00', 'b', { previous: 'a' })];
    assert.deepEqual(told(await brought(runs, records)), ['10:00 a github', `11:00 b journals${failed}`]);
  });

  it('put a failure down to the release that was live, not to those before it', async () => {
    const records = [record('09:00', 'a'), record('10:00', 'b'), record('11:00', 'c'), record('12:00', 'a')];
    assert.deepEqual(told(await brought([], records)), [
      '09:00 a github',
      '10:00 b github, instead of a',
      '11:00 c github, instead of b; failed 12:00, back to a',
    ]);
  });

  it('have failed where that was said after they had been live', async () => {
    assert.deepEqual(told(await brought([], [record('10:00', 'a', 'live', '10:30')])), ['10:00 a github; failed 10:30']);
  });

  it('do not hold what only repeats what is live, or says that something is not, and say so', async () => {
    const team = await brought([], [record('10:00', 'a'), record('11:00', 'a'), record('12:00', 'x', 'gone'), record('12:01', 'a')]);
    assert.deepEqual(told(team), ['10:00 a github']);
    assert.deepEqual([team.again, team.gone], [2, 1]);
  });

  it('neither count nor blame anything where git does not know whether it went back', async () => {
    const team = await brought([], [record('10:00', 'a'), record('11:00', '?'), record('12:00', 'a')]);
    assert.deepEqual(told(team), ['10:00 a github', '11:00 ? github, instead of a']);
    assert.equal(team.again, 1);
  });
});
