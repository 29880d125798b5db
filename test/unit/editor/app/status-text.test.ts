import assert from 'node:assert/strict';
import { statusText } from '../../../../src/editor/app/status-text';
import type { ServiceState } from '../../../../src/editor/app/state';
import { fails, later, passes, runOf, serviceOf } from '../runs';

describe('the status bar', () => {
  const text = (service: ServiceState, several = false, now = later(0)) => statusText(service, several, now)?.text;
  const passed = runOf('1', 'Add a cart', ...passes);
  const failed = runOf('2', 'Remove items', ...fails);

  it('shows nothing where there is no service', () => {
    assert.equal(statusText(undefined, false, later(0)), undefined);
  });

  it('offers to deliver', () => {
    assert.equal(text(serviceOf([])), '$(rocket) Deliver');
    assert.equal(text(serviceOf([]), true), '$(rocket) Deliver shop');
    assert.equal(statusText(serviceOf([]), false, later(0))?.click, 'deliver.deliver');
  });

  it('offers to deliver again once something was saved', () => {
    assert.equal(text(serviceOf([passed], { changed: true })), '$(rocket) Deliver');
  });

  it('shows the running step and how long it usually takes', () => {
    const running = runOf('1', 'Add a cart', { type: 'step-started', step: 'test', attempt: 1 });
    assert.equal(text(serviceOf([running]), false, later(12_000)), '$(sync~spin) shop: test 12 s of ~40 s');
    assert.equal(text(serviceOf([running]), false, later(2000)), '$(sync~spin) shop: test \u20072 s of ~40 s', 'as wide as ten seconds');
  });

  it('counts the steps that run beside it', () => {
    const running = runOf(
      '1',
      'x',
      { type: 'step-started', step: 'build', attempt: 1 },
      { type: 'step-started', step: 'test', attempt: 1 },
    );
    assert.equal(text(serviceOf([running]), false, later(3000)), '$(sync~spin) shop: build (+1) \u20073 s of ~9 s');
  });

  it('says whether the service is releasable, and why not', () => {
    assert.equal(text(serviceOf([passed])), '$(pass) releasable');
    assert.equal(text(serviceOf([failed, passed])), '$(error) not releasable: test failed');
    assert.equal(text(serviceOf([failed, passed]), true), '$(error) shop not releasable: test failed');
    assert.equal(statusText(serviceOf([failed]), false, later(0))?.click, 'deliver.showRun');
  });

  it('tells what is live and does not work, before anything else', () => {
    const ill = { service: 'shop', state: 'unhealthy' as const, url: '', reason: 'it died 3 times' };
    const environments = [{ name: 'staging', kind: 'process', running: true, services: [ill] }];
    const text = statusText(serviceOf([]), false, later(0), environments);
    assert.equal(text?.text, '$(warning) shop is unhealthy in staging');
    assert.equal(text.tooltip, 'shop is unhealthy in staging: it died 3 times');
    assert.equal(text.click, 'deliver.environments.focus');
  });

  it('is not moved by a delivery that was cancelled', () => {
    const cancelled = runOf('3', 'x', { type: 'run-finished', outcome: 'cancelled' });
    assert.equal(text(serviceOf([cancelled, passed])), '$(pass) releasable');
  });

  describe('where each commit is delivered by itself', () => {
    const autoDelivery = { on: 'commit' } as const;
    const waiting = { commit: '4f2a91c0e4b7d65a1c3e8f9027461d0be5a8c943', why: 'a rebase is under way' };
    const tooltip = (service: ServiceState) => statusText(service, false, later(0))?.tooltip ?? '';

    it('says so', () => {
      assert.equal(text(serviceOf([], { autoDelivery })), '$(rocket) Delivers each commit');
      assert.equal(text(serviceOf([], { autoDelivery: { on: 'push' } }), true), '$(rocket) shop: delivers each push');
      assert.equal(text(serviceOf([passed], { autoDelivery })), '$(pass) releasable');
      for (const runs of [[], [passed], [failed]])
        assert.match(
          tooltip(serviceOf(runs, { autoDelivery })),
          /^Each commit is delivered by itself; a click delivers the working tree\.$/m,
        );
      assert.doesNotMatch(tooltip(serviceOf([passed])), /by itself/);
    });

    it('says what waits, and why', () => {
      const service = serviceOf([passed], { autoDelivery: { ...autoDelivery, waiting } });
      assert.equal(text(service), '$(clock) 4f2a91c waits');
      assert.equal(text(service, true), '$(clock) shop 4f2a91c waits');
      assert.equal(tooltip(service), 'Commit 4f2a91c of shop is not delivered yet: a rebase is under way.');
    });

    it('says what comes after the delivery that goes on', () => {
      const running = runOf('1', 'Add a cart', { type: 'step-started', step: 'test', attempt: 1 });
      const queued = { ...runOf('2', 'Empty the cart'), outcome: 'waiting' as const };
      assert.match(tooltip(serviceOf([queued, running], { autoDelivery })), /^Add a cart\n.*\nrunning: test\nthen: Empty the cart$/);
      assert.match(
        tooltip(serviceOf([running], { autoDelivery: { ...autoDelivery, waiting } })),
        /\n4f2a91c is not delivered yet: a rebase is under way$/,
      );
    });
  });
});
