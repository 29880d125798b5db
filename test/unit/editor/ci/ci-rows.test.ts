import assert from 'node:assert/strict';
import type { CiRecord } from '../../../../src/core/ci/follow/ci-record';
import type { CiRun, EventBody } from '../../../../src/core/model/events';
import { fold, unfollowed, type RunState } from '../../../../src/core/model/run-state';
import { deploymentRows } from '../../../../src/editor/ci/ci-rows';
import { rowsAsText } from '../../../../src/editor/tree/row';
import { pipelineRows } from '../../../../src/editor/pipeline/run-rows';
import { currentRun, isLive } from '../../../../src/editor/app/state';
import { statusText } from '../../../../src/editor/app/status-text';
import { changeOf, fails, later, passes, runner, runOf, serviceOf, steps } from '../runs';

const github: CiRun = {
  name: 'github',
  label: 'GitHub Actions',
  place: 'acme/shop',
  id: '77',
  attempt: 1,
  url: 'https://github.com/acme/shop/actions/runs/77',
  branch: 'deliver/shop-1',
  logsAtEnd: true,
};

/** Returns a run on GitHub after these events. */
function githubRun(engine: Partial<CiRun>, ...events: EventBody[]): RunState {
  const started: EventBody = { type: 'run-started', service: 'shop', change: changeOf('Add a cart'), steps, runner, folder: '', repository: '/shop', engine: { ...github, ...engine } }; // prettier-ignore
  const at = new Date(later(0)).toISOString();
  const state = [started, ...events].reduce((before: RunState | undefined, body) => fold(before, { ...body, at, run: '9' }), undefined);
  assert.ok(state);
  return state;
}

const building: EventBody = { type: 'step-started', step: 'build', attempt: 1 };
const refused: EventBody = {
  type: 'engine-heard',
  state: 'away',
  reason: 'token',
  message: 'api.github.com does not accept the token (401)',
  host: 'https://api.github.com',
};

function pipeline(...runs: RunState[]): string {
  return rowsAsText(pipelineRows({ services: [serviceOf(runs)], trusted: true }, later(180_000)));
}

describe('pipelineRows of a run on a CI service', () => {
  it('shows the CI service, and that logs are available when a job finishes', () => {
    assert.equal(
      pipeline(githubRun({}, building)),
      [
        'v [loading~spin] shop  on GitHub · Add a cart',
        '    [loading~spin] build  3 min · log when finished',
        '    [circle-outline] test',
        '    [circle-outline] stage',
        '',
      ].join('\n'),
    );
  });

  it('shows who started a run, and prefers a local run', () => {
    const theirs = githubRun({ by: 'grace', isAside: true }, building);
    const local = runOf('1', 'Mine', ...passes);
    const service = serviceOf([theirs, local]);
    assert.equal(currentRun(service), local);
    assert.equal(isLive(service), false);
    assert.equal(statusText(service, false, later(0))?.text, '$(pass) releasable');
    assert.match(pipeline(theirs, local), /\[loading~spin\] Add a cart {2}running · 3 min ago · on GitHub by grace/);
  });

  it('ignores a run on another branch for the releasable state', () => {
    const theirs = githubRun({ by: 'grace', isAside: true }, ...fails);
    assert.equal(statusText(serviceOf([theirs, runOf('1', 'Mine', ...passes)]), false, later(0))?.text, '$(pass) releasable');
    const onMain = githubRun({ by: 'grace' }, ...fails);
    assert.equal(
      statusText(serviceOf([onMain, runOf('1', 'Mine', ...passes)]), false, later(0))?.text,
      '$(error) not releasable: test failed',
    );
  });

  it('stops the spinner of a run without a connection, and shows the reason, the age and a sign-in', () => {
    const disconnected = githubRun({}, building, refused);
    const [service] = pipelineRows({ services: [serviceOf([disconnected])], trusted: true }, later(180_000));
    const [connection] = service?.children ?? [];
    assert.equal(connection?.label, 'GitHub rejected the token');
    assert.equal(connection.description, 'Sign in to continue · Updated 3 min ago');
    assert.equal(connection.click, 'deliver.signIn');
    assert.match(pipeline(disconnected), /\[question\] build {2}was running/);
    const status = statusText(serviceOf([disconnected]), false, later(0));
    assert.equal(status?.text, '$(debug-disconnect) shop: GitHub rejected the token');
    assert.equal(status.tooltip, 'Add a cart\napi.github.com does not accept the token (401)\nUpdated just now');
  });

  it('shows the spinner again once the connection is restored', () => {
    assert.match(pipeline(githubRun({}, building, refused, { type: 'engine-heard', state: 'answers' })), /\[loading~spin\] build/);
  });

  it('names the cause of a lost connection', () => {
    const rows = (reason: 'offline' | 'limit' | 'answer'): string => pipeline(githubRun({}, building, { ...refused, reason }));
    assert.match(rows('offline'), /GitHub is not reachable/);
    assert.match(rows('limit'), /GitHub: rate limit exceeded/);
    assert.match(rows('answer'), /GitHub returned an error/);
    const [service] = pipelineRows({ services: [serviceOf([unfollowed(githubRun({}, building))])], trusted: true }, later(0));
    const [connection] = service?.children ?? [];
    assert.equal(connection?.label, 'Updates paused');
    assert.equal(connection.tooltip, 'Updates paused: no window is monitoring this run\nUpdated just now');
  });

  it('shows that updates are slow because of a rate limit', () => {
    const message = 'GitHub Actions allows 12 more requests until 10:42 UTC: it is asked every 60 s';
    const slow = githubRun({}, building, { type: 'engine-heard', state: 'slow', message });
    assert.match(pipeline(slow), /\[watch\] GitHub: rate-limited, refreshing slowly\n {4}\[loading~spin\] build/);
  });

  it('offers to approve a deployment that is waiting', () => {
    const waits: EventBody = { type: 'step-waits', step: 'stage', reason: 'waits for approval of production', approval: 'production' };
    const [service] = pipelineRows({ services: [serviceOf([githubRun({}, waits)])], trusted: true }, later(0));
    const stage = service?.children?.find(({ label }) => label === 'stage');
    assert.equal(stage?.description, 'waits for approval of production');
    assert.ok(stage.contextValues?.includes('approval'));
    assert.equal(stage.target.environment, 'production');
  });

  it('shows that a run is being submitted to the CI service', () => {
    const at = new Date(later(0)).toISOString();
    const queued = fold(undefined, { type: 'run-queued', at, run: '9', service: 'shop', change: changeOf('Add a cart'), steps, runner, handedTo: 'GitHub Actions' }); // prettier-ignore
    assert.ok(queued);
    assert.match(pipeline(queued), /shop {2}submitting to GitHub Actions · Add a cart/);
    assert.equal(statusText(serviceOf([queued]), false, later(0))?.text, '$(sync~spin) shop: submitting');
  });
});

describe('deploymentRows', () => {
  const record: CiRecord = {
    ...{ service: 'shop', name: 'github', label: 'GitHub Actions', place: 'acme/shop', host: 'https://api.github.com' },
    toldAt: new Date(later(0)).toISOString(),
    deployments: [
      { environment: 'production', state: 'live', url: 'https://shop.example.com', commit: 'a'.repeat(40), deployedAt: '2026-11-23T09:00:00Z', by: 'grace' }, // prettier-ignore
      { environment: 'staging', state: 'failed', url: '', commit: 'b'.repeat(40), deployedAt: '2026-11-23T09:58:00Z' },
    ],
  };

  it('shows the deployments of the team', () => {
    assert.equal(
      rowsAsText(deploymentRows([serviceOf([], { ciRecord: record })], [], later(0))),
      [
        '  [cloud] production  aaaaaaa · by grace · 1 h ago · on GitHub',
        '  [error] staging  failed · bbbbbbb · 2 min ago · on GitHub',
        '',
      ].join('\n'),
    );
  });

  it('shows a deployment once per repository, and none to an environment that is polled', () => {
    const services = [serviceOf([], { ciRecord: record }), serviceOf([], { key: 'other', ciRecord: record })];
    const environments = [{ name: 'production', kind: 'kubernetes', running: true, services: [] }];
    assert.deepEqual(
      deploymentRows(services, environments, later(0)).map(({ label }) => label),
      ['staging'],
    );
  });
});
