import * as assert from 'node:assert/strict';
import { journaledDeployments, rangeOf, type ProductionDeployment, reworkOf } from '../../../../src/core/metrics/deployment';
import { doraMetrics, type DeploymentFacts, type DoraMetrics } from '../../../../src/core/metrics/metrics';
import { deploymentsOfTeam } from '../../../../src/core/metrics/team';
import type { RunState } from '../../../../src/core/model/run-state';
import { at, run } from './recorded-runs';

const day = { since: at('00:00'), until: at('23:59') };
const minute = 60_000;

interface History {
  readonly runs: readonly RunState[];
  /** The commit dates of each commit's changes. */
  readonly changes?: Readonly<Record<string, readonly string[]>>;
  /** The commits that each commit contains besides itself; `undefined` if unknown to git. */
  readonly holds?: Readonly<Record<string, string>>;
  readonly window?: { readonly since: string; readonly until: string };
}

async function carried({ runs, changes = {}, holds = {} }: History): Promise<DeploymentFacts[]> {
  const own = journaledDeployments(runs, 'shop', 'production');
  const about = { service: 'shop', environment: 'production', source: 'journals' } as const;
  const { deployments } = await deploymentsOfTeam(own, [], about, async () => Promise.resolve(true));
  const name = (id: string): string => id.replace(/0+$/, '');
  const rework = await reworkOf(deployments, async (one, earlier) =>
    Promise.resolve(name(earlier) === '?' ? undefined : one === earlier || (holds[name(one)] ?? '').includes(name(earlier))),
  );
  return deployments.map((deployment, index) => {
    const committedAt = changes[name(deployment.commit)];
    const isRework = rework[index];
    return { deployment, ...(committedAt && { committedAt }), ...(isRework !== undefined && { isRework }) };
  });
}

async function metricsOf(history: History): Promise<DoraMetrics> {
  return doraMetrics(await carried(history), history.window ?? day);
}

const good = ['a', 'b', 'c', 'd'].map((name, index) => run(`1${index}:00`, name, index === 0 ? {} : { previous: 'abc'[index - 1] ?? '' }));

describe('deployment frequency', () => {
  it('returns the number of deployments and the rate per week', async () => {
    const window = { since: '2026-11-11T00:00:00.000Z', until: '2026-11-25T00:00:00.000Z' };
    const { deploymentFrequency } = await metricsOf({ runs: good, window });
    assert.deepEqual(deploymentFrequency, { value: { deployments: 4, days: 14, perWeek: 2 } });
  });

  it('has no weekly rate for less than a week', async () => {
    assert.deepEqual((await metricsOf({ runs: good })).deploymentFrequency, { value: { deployments: 4, days: 1 } });
  });

  it('counts deployments in the window, including failed ones', async () => {
    const runs = [run('09:00', 'z'), ...good, run('15:00', 'e', { previous: 'd', back: ['15:01', 'd'] })];
    const { deploymentFrequency } = await metricsOf({ runs, window: { since: at('09:30'), until: at('16:00') } });
    assert.deepEqual(deploymentFrequency, { value: { deployments: 5, days: 0.3 } });
  });
});

describe('change lead time', () => {
  it('returns the median from commit to live in any time zone', async () => {
    const changes = { b: ['2026-11-24T12:00:00+02:00'], c: [at('11:00'), '2026-11-24T06:30:00-05:00'], d: [at('10:00')] };
    // 1 h, then 1 h and 30 min, then 3 h.
    assert.deepEqual((await metricsOf({ runs: good, changes })).leadTime, { value: { medianMs: 60 * minute, changes: 4 } });
  });

  it('returns the 90th percentile for ten changes or more', async () => {
    const times = Array.from({ length: 10 }, (_, index) => at(`11:${String(59 - index).padStart(2, '0')}`));
    const { leadTime } = await metricsOf({ runs: good, changes: { c: times } });
    assert.deepEqual(leadTime, { value: { medianMs: 5.5 * minute, p90Ms: 9 * minute, changes: 10 } });
  });

  it('counts a rolled-back change when its next deployment succeeds', async () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:05', 'a'] }), run('13:00', 'c', { previous: 'a' })];
    const changes = { b: [at('10:50')], c: [at('10:50'), at('12:00'), at('12:30')] };
    assert.deepEqual((await metricsOf({ runs, changes })).leadTime, { value: { medianMs: 60 * minute, changes: 3 } });
  });

  it('ignores a change with a commit date after its deployment', async () => {
    const { leadTime } = await metricsOf({ runs: good, changes: { b: [at('12:00'), at('10:50'), at('10:40')], c: [at('11:30')] } });
    assert.deepEqual(leadTime, { value: { medianMs: 20 * minute, changes: 3 } });
  });

  it('is absent for too few or unknown changes', async () => {
    assert.deepEqual((await metricsOf({ runs: good, changes: { b: [at('10:00')], c: [at('11:00')] } })).leadTime, {
      absent: '2 changes went live: too few for a median',
    });
    assert.deepEqual((await metricsOf({ runs: good, changes: { b: [at('12:00'), at('13:00')] } })).leadTime, {
      absent: 'the changes have dates after they went live: a clock is wrong',
    });
    assert.deepEqual((await metricsOf({ runs: good })).leadTime, { absent: 'the changes of the deployments are unknown' });
    assert.deepEqual((await metricsOf({ runs: [] })).leadTime, { absent: 'no changes went live: too few for a median' });
  });
});

describe('rangeOf', () => {
  const rangesOf = (deployments: readonly ProductionDeployment[]): string[] =>
    deployments.map((deployment) => {
      const range = rangeOf(deployment, deployments);
      return range ? `${range.from}..${range.to}`.replace(/0{9,}/g, '') : 'not known';
    });
  const journaled = (...runs: RunState[]): ProductionDeployment[] => journaledDeployments(runs, 'shop', 'production');

  it('starts at the commit that was live before', () => {
    assert.deepEqual(rangesOf(journaled(...good)), ['not known', 'a..b', 'b..c', 'c..d']);
    assert.deepEqual(rangesOf(journaled(run('10:00', 'b', { previous: 'a' }))), ['a..b']);
  });

  it('starts at the last successful deployment', () => {
    const runs = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:05', 'a'] }), run('12:00', 'c', { previous: 'a' })];
    assert.equal(rangesOf(journaled(...runs))[2], 'a..c');
  });

  it('starts before the failed deployment that it repairs', () => {
    const [a, b, c] = journaled(run('10:00', 'a'), run('11:00', 'b', { previous: 'a' }), run('12:00', 'c', { previous: 'b' }));
    assert.ok(a && b && c);
    assert.equal(rangesOf([a, { ...b, failure: { at: at('11:30') } }, c])[2], 'a..c');
  });

  it('uses the base commit of a dirty working tree', () => {
    const runs = [run('10:00', 'a'), run('11:00', 'f', { previous: 'a', base: 'b' }), run('12:00', 'c', { previous: 'f' })];
    assert.deepEqual(rangesOf(journaled(...runs)), ['not known', 'a..b', 'b..c']);
  });
});

describe('change fail rate', () => {
  it('returns the share of releases that were rolled back', async () => {
    // The last one is rolled back long after the next window began.
    const runs = [...good, run('14:00', 'e', { previous: 'd', back: ['23:00', 'd'], byHand: true })];
    const { changeFailRate } = await metricsOf({ runs, window: { since: at('09:00'), until: at('15:00') } });
    assert.deepEqual(changeFailRate, { value: { rate: 0.2, count: 1, of: 5 } });
  });

  it('is absent for two deployments and zero for four successful ones', async () => {
    const { changeFailRate } = await metricsOf({ runs: good.slice(0, 2) });
    assert.deepEqual(changeFailRate, { absent: '2 deployments: too few for a rate' });
    assert.deepEqual((await metricsOf({ runs: good })).changeFailRate, { value: { rate: 0, count: 0, of: 4 } });
  });
});

describe('failed deployment recovery time', () => {
  const failing = (time: string, name: string, back: readonly [string, string?]): RunState => run(time, name, { previous: 'a', back });

  it('returns the median time until the earlier release is live again', async () => {
    const runs = [
      run('10:00', 'a'),
      failing('11:00', 'b', ['11:05', 'a']),
      failing('12:00', 'c', ['12:01', 'a']),
      failing('13:00', 'd', ['15:00', 'a']),
    ];
    assert.deepEqual((await metricsOf({ runs })).recoveryTime, { value: { medianMs: 5 * minute, failures: 3 } });
  });

  it('ends with the next successful release if no earlier one exists', async () => {
    const runs = [failing('10:00', 'a', ['10:01']), failing('10:10', 'b', ['10:11']), failing('10:20', 'c', ['10:21']), run('10:30', 'd')];
    assert.deepEqual((await metricsOf({ runs })).recoveryTime, { value: { medianMs: 20 * minute, failures: 3 } });
  });

  it('is absent for too few failures and counts open ones', async () => {
    assert.deepEqual((await metricsOf({ runs: good })).recoveryTime, { absent: 'no deployment failed' });
    const runs = [run('10:00', 'a'), failing('11:00', 'b', ['11:05', 'a']), failing('12:00', 'c', ['12:01'])];
    assert.deepEqual((await metricsOf({ runs })).recoveryTime, {
      absent: '2 failed deployments, 1 of them not recovered yet: too few for a median',
    });
  });
});

describe('deployment rework rate', () => {
  const failed = [run('10:00', 'a'), run('11:00', 'b', { previous: 'a', back: ['11:05', 'a'] })];

  it('returns the share of deployments that contain a failed release, until one succeeds', async () => {
    const runs = [
      ...[...failed, run('12:00', 'c', { previous: 'a', back: ['12:05', 'a'] })],
      ...[run('13:00', 'd', { previous: 'a' }), run('14:00', 'e', { previous: 'd' })],
    ];
    const { reworkRate } = await metricsOf({ runs, holds: { c: 'b', d: 'bc', e: 'bcd' } });
    assert.deepEqual(reworkRate, { value: { rate: 0.4, count: 2, of: 5 } });
  });

  it('does not count deployments without the failed release', async () => {
    const runs = [...failed, run('12:00', 'c', { previous: 'a' }), run('13:00', 'd', { previous: 'c' })];
    assert.deepEqual((await metricsOf({ runs, holds: { c: '', d: 'b' } })).reworkRate, { value: { rate: 0.25, count: 1, of: 4 } });
  });

  it('counts another deployment of the same commit', async () => {
    const { reworkRate } = await metricsOf({ runs: [...failed, run('12:00', 'b', { previous: 'a' })] });
    assert.deepEqual(reworkRate, { value: { rate: 1 / 3, count: 1, of: 3 } });
  });

  it('is absent if git does not know the failed release', async () => {
    const runs = [run('10:00', 'a'), run('11:00', '?', { previous: 'a', back: ['11:05', 'a'] }), run('12:00', 'c', { previous: 'a' })];
    const { reworkRate } = await metricsOf({ runs });
    assert.match('absent' in reworkRate ? reworkRate.absent : '', /^it is unknown which deployments repair a failed one: some commits/);
  });
});
