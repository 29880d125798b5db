import assert from 'node:assert/strict';
import { statusText } from '../../../../src/editor/app/status-text';
import type { ServiceState } from '../../../../src/editor/app/state';
import { fails, later, passes, runOf, serviceOf } from '../runs';

describe('statusText', () => {
  const text = (service: ServiceState, several = false, now = later(0)) => statusText(service, several, now)?.text;
  const passed = runOf('1', 'Add a cart', ...passes);
  const failed = runOf('2', 'Remove items', ...fails);

  it('is undefined without a service', () => {
    assert.equal(statusText(undefined, false, later(0)), undefined);
  });

  it('offers to deliver a service that was never delivered', () => {
    assert.equal(text(serviceOf([])), '$(rocket) Deliver');
    assert.equal(text(serviceOf([]), true), '$(rocket) Deliver shop');
    assert.equal(statusText(serviceOf([]), false, later(0))?.click, 'deliver.deliver');
  });

  it('offers to deliver again after a file is saved', () => {
    assert.equal(text(serviceOf([passed], { changed: true })), '$(rocket) Deliver');
  });

  it('shows the running step with its usual duration', () => {
    const running = runOf('1', 'Add a cart', { type: 'step-started', step: 'test', attempt: 1 });
    assert.equal(text(serviceOf([running]), false, later(12_000)), '$(sync~spin) shop: test 12 s of ~40 s');
    assert.equal(
      text(serviceOf([running]), false, later(2000)),
      '$(sync~spin) shop: test \u20072 s of ~40 s',
      'the width is that of ten seconds',
    );
  });

  it('counts other running steps', () => {
    const running = runOf(
      '1',
      'x',
      { type: 'step-started', step: 'build', attempt: 1 },
      { type: 'step-started', step: 'test', attempt: 1 },
    );
    assert.equal(text(serviceOf([running]), false, later(3000)), '$(sync~spin) shop: build (+1) \u20073 s of ~9 s');
  });

  it('shows whether the service is releasable, with the reason if it is not', () => {
    assert.equal(text(serviceOf([passed])), '$(pass) releasable');
    assert.equal(text(serviceOf([failed, passed])), '$(error) not releasable: test failed');
    assert.equal(text(serviceOf([failed, passed]), true), '$(error) shop not releasable: test failed');
    const tooltip = (service: ServiceState) => statusText(service, false, later(0))?.tooltip;
    assert.equal(tooltip(serviceOf([passed])), 'shop became releasable just now: 4f2a91c passed.');
    assert.equal(tooltip(serviceOf([failed, passed])), 'shop is not releasable: test failed (just now).');
    assert.equal(statusText(serviceOf([failed]), false, later(0))?.click, 'deliver.showRun');
  });

  it('reports an invalid delivery.yaml', () => {
    const definitionErrors = [{ kind: 'usage' as const, message: 'unknown key “rum”', line: 3, column: 5 }];
    const status = statusText(serviceOf([passed], { definitionErrors }), false, later(0));
    assert.deepEqual([status?.text, status?.look], ['$(error) delivery.yaml is invalid', 'failed']);
    assert.equal(status?.tooltip, 'shop cannot be delivered.\ndelivery.yaml:3: unknown key “rum”');
    assert.equal(status?.click, 'deliver.revealStep');
  });

  it('counts more than two failed steps and lists them in the tooltip', () => {
    const names = ['lint', 'types', 'unit'];
    const planned = names.map((name) => ({ name, needs: [], kind: 'run' as const }));
    const ends = names.map((step) => ({ type: 'step-finished' as const, step, state: 'failed' as const, durationMs: 1 }));
    const run = { ...runOf('1', 'Break all', ...ends, { type: 'run-finished', outcome: 'failed' }) };
    const steps = planned.map((step) => ({ ...step, state: 'failed' as const, problems: [], flaky: false, attempts: 1 }));
    const status = statusText(serviceOf([{ ...run, steps } as never]), false, later(0));
    assert.equal(status?.text, '$(error) not releasable: 3 steps failed');
    assert.match(status.tooltip, /\nFailed: lint, types, unit$/);
  });

  it('shortens a long reason, which the tooltip has in full', () => {
    const reason = 'it failed in staging soon after it went live: no server runs';
    const run = runOf('1', 'Break it', { type: 'run-finished', outcome: 'failed', reason });
    const status = statusText(serviceOf([run]), false, later(0));
    assert.equal(status?.text, '$(error) not releasable: it failed in staging soon after it went…');
    assert.ok(status.tooltip.includes(reason));
  });

  it('links to the log and to actions', () => {
    const links = (service: ServiceState): unknown => statusText(service, false, later(0))?.links?.map(({ label }) => label);
    const running = runOf('1', 'Add a cart', { type: 'step-started', step: 'test', attempt: 1 });
    assert.deepEqual(links(serviceOf([running])), ['Open Log', 'Cancel']);
    assert.deepEqual(links(serviceOf([failed])), ['Go to Failure', 'Open Log']);
    assert.deepEqual(links(serviceOf([passed])), ['Open Log', 'Open Service']);
  });

  it('shows an unhealthy live service before its last delivery', () => {
    const unhealthy = { service: 'shop', state: 'unhealthy' as const, url: '', reason: 'it died 3 times' };
    const environments = [{ name: 'staging', kind: 'process', running: true, services: [unhealthy] }];
    const text = statusText(serviceOf([]), false, later(0), environments);
    assert.equal(text?.text, '$(warning) shop is unhealthy in staging');
    assert.equal(text.tooltip, 'shop is unhealthy in staging: it died 3 times');
    assert.equal(text.click, 'deliver.environments.focus');
  });

  it('ignores a cancelled delivery', () => {
    const cancelled = runOf('3', 'x', { type: 'run-finished', outcome: 'cancelled' });
    assert.equal(text(serviceOf([cancelled, passed])), '$(pass) releasable');
  });

  describe('with automatic delivery', () => {
    const autoDelivery = { on: 'commit' } as const;
    const waiting = { commit: '4f2a91c0e4b7d65a1c3e8f9027461d0be5a8c943', reason: 'a rebase is in progress' };
    const tooltip = (service: ServiceState) => statusText(service, false, later(0))?.tooltip ?? '';

    it('shows that every commit or push is delivered', () => {
      assert.equal(text(serviceOf([], { autoDelivery })), '$(rocket) Delivers every commit');
      assert.equal(text(serviceOf([], { autoDelivery: { on: 'push' } }), true), '$(rocket) shop: delivers every push');
      assert.equal(text(serviceOf([passed], { autoDelivery })), '$(pass) releasable');
      assert.match(
        tooltip(serviceOf([], { autoDelivery })),
        /^Every commit is delivered automatically\. Click to deliver the working tree\.$/m,
      );
      for (const run of [passed, failed])
        assert.match(tooltip(serviceOf([run], { autoDelivery })), /^Every commit is delivered automatically\.$/m);
      assert.doesNotMatch(tooltip(serviceOf([passed])), /automatically/);
    });

    it('shows the waiting commit with the reason', () => {
      const service = serviceOf([passed], { autoDelivery: { ...autoDelivery, waiting } });
      assert.equal(text(service), '$(clock) 4f2a91c is waiting');
      assert.equal(text(service, true), '$(clock) shop 4f2a91c is waiting');
      assert.equal(tooltip(service), 'Commit 4f2a91c of shop is not delivered yet: a rebase is in progress.');
    });

    it('shows the next delivery in the tooltip of the running one', () => {
      const running = runOf('1', 'Add a cart', { type: 'step-started', step: 'test', attempt: 1 });
      const queued = { ...runOf('2', 'Empty the cart'), outcome: 'waiting' as const };
      assert.match(tooltip(serviceOf([queued, running], { autoDelivery })), /^Add a cart\n.*\nrunning: test\nnext: Empty the cart$/);
      assert.match(
        tooltip(serviceOf([running], { autoDelivery: { ...autoDelivery, waiting } })),
        /\n4f2a91c is not delivered yet: a rebase is in progress$/,
      );
    });
  });
});
