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

/** A run on GitHub as these events tell it, after it started there. */
function there(engine: Partial<CiRun>, ...events: EventBody[]): RunState {
  const began: EventBody = { type: 'run-started', service: 'shop', change: changeOf('Add a cart'), steps, runner, folder: '', repository: '/shop', engine: { ...github, ...engine } }; // prettier-ignore
  const at = new Date(later(0)).toISOString();
  const state = [began, ...events].reduce((before: RunState | undefined, body) => fold(before, { ...body, at, run: '9' }), undefined);
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

describe('a run on a CI service in the Pipeline view', () => {
  it('says where it is, and that its logs come when its jobs have ended', () => {
    assert.equal(
      pipeline(there({}, building)),
      [
        'v [loading~spin] shop  on GitHub · Add a cart',
        '    [loading~spin] build  3 min · log at its end',
        '    [circle-outline] test',
        '    [circle-outline] stage',
        '',
      ].join('\n'),
    );
  });

  it('says who started it, and does not stand in the way of one’s own', () => {
    const hers = there({ by: 'grace', isAside: true }, building);
    const own = runOf('1', 'Mine', ...passes);
    const service = serviceOf([hers, own]);
    assert.equal(currentRun(service), own);
    assert.equal(isLive(service), false);
    assert.equal(statusText(service, false, later(0))?.text, '$(pass) releasable');
    assert.match(pipeline(hers, own), /\[loading~spin\] Add a cart {2}running · 3 min ago · on GitHub by grace/);
  });

  it('is not what says whether the service can be released, where it was on a branch of somebody’s', () => {
    const hers = there({ by: 'grace', isAside: true }, ...fails);
    assert.equal(statusText(serviceOf([hers, runOf('1', 'Mine', ...passes)]), false, later(0))?.text, '$(pass) releasable');
    const everybodys = there({ by: 'grace' }, ...fails);
    assert.equal(
      statusText(serviceOf([everybodys, runOf('1', 'Mine', ...passes)]), false, later(0))?.text,
      '$(error) not releasable: test failed',
    );
  });

  it('turns no more when it cannot be asked for, says why and since when, and offers what helps', () => {
    const away = there({}, building, refused);
    const [service] = pipelineRows({ services: [serviceOf([away])], trusted: true }, later(180_000));
    const [heard] = service?.children ?? [];
    assert.equal(heard?.label, 'GitHub refuses the token');
    assert.equal(heard.description, 'sign in to go on · told 3 min ago');
    assert.equal(heard.click, 'deliver.signIn');
    assert.match(pipeline(away), /\[question\] build {2}was running/);
    assert.equal(statusText(serviceOf([away]), false, later(0))?.text, '$(debug-disconnect) shop: GitHub refuses the token');
  });

  it('turns again when it is asked for again', () => {
    assert.match(pipeline(there({}, building, refused, { type: 'engine-heard', state: 'answers' })), /\[loading~spin\] build/);
  });

  it('names what is wrong as what it is', () => {
    const says = (reason: 'offline' | 'limit' | 'answer'): string => pipeline(there({}, building, { ...refused, reason }));
    assert.match(says('offline'), /GitHub is not reachable/);
    assert.match(says('limit'), /GitHub was asked too often/);
    assert.match(says('answer'), /GitHub answers with an error/);
    assert.match(pipeline(unfollowed(there({}, building))), /Not followed/);
  });

  it('says that it is asked seldom, where it is not allowed more, and goes on', () => {
    const message = 'GitHub Actions allows 12 more requests until 10:42 UTC: it is asked every 60 s';
    const slow = there({}, building, { type: 'engine-heard', state: 'slow', message });
    assert.match(pipeline(slow), /\[watch\] GitHub is asked seldom\n {4}\[loading~spin\] build/);
  });

  it('shows what waits for a person, and lets one let it go on', () => {
    const waits: EventBody = { type: 'step-waits', step: 'stage', reason: 'waits for approval of production', approval: 'production' };
    const [service] = pipelineRows({ services: [serviceOf([there({}, waits)])], trusted: true }, later(0));
    const stage = service?.children?.find(({ label }) => label === 'stage');
    assert.equal(stage?.description, 'waits for approval of production');
    assert.ok(stage.contextValues?.includes('approval'));
    assert.equal(stage.subject.environment, 'production');
  });

  it('is handed over before it is there', () => {
    const at = new Date(later(0)).toISOString();
    const queued = fold(undefined, { type: 'run-queued', at, run: '9', service: 'shop', change: changeOf('Add a cart'), steps, runner, handedTo: 'GitHub Actions' }); // prettier-ignore
    assert.ok(queued);
    assert.match(pipeline(queued), /shop {2}handing over to GitHub Actions · Add a cart/);
    assert.equal(statusText(serviceOf([queued]), false, later(0))?.text, '$(sync~spin) shop: handing over');
  });
});

describe('what CI services have on record, in the Environments view', () => {
  const record: CiRecord = {
    ...{ service: 'shop', name: 'github', label: 'GitHub Actions', place: 'acme/shop', host: 'https://api.github.com' },
    toldAt: new Date(later(0)).toISOString(),
    deployments: [
      { environment: 'production', state: 'live', url: 'https://shop.example.com', commit: 'a'.repeat(40), deployedAt: '2026-11-23T09:00:00Z', by: 'grace' }, // prettier-ignore
      { environment: 'staging', state: 'failed', url: '', commit: 'b'.repeat(40), deployedAt: '2026-11-23T09:58:00Z' },
    ],
  };

  it('is what the whole team deployed', () => {
    assert.equal(
      rowsAsText(deploymentRows([serviceOf([], { engine: record })], [], later(0))),
      [
        '  [cloud] production  aaaaaaa · by grace · 1 h ago · on GitHub',
        '  [error] staging  failed · bbbbbbb · 2 min ago · on GitHub',
        '',
      ].join('\n'),
    );
  });

  it('is one for all services of a repository, and none where the environment itself is asked', () => {
    const services = [serviceOf([], { engine: record }), serviceOf([], { key: 'other', engine: record })];
    const asked = [{ name: 'production', kind: 'kubernetes', running: true, services: [] }];
    assert.deepEqual(
      deploymentRows(services, asked, later(0)).map(({ label }) => label),
      ['staging'],
    );
  });
});
