import * as assert from 'node:assert/strict';
import { jobEventsIn, jobEvent } from '../../../../../src/core/ci/follow/job-log';
import type { Step } from '../../../../../src/core/model/pipeline';
import type { EventBody, RunEvent } from '../../../../../src/core/model/events';

const at = '2026-11-23T09:16:04.000Z';
const release = { id: 'job-1', commit: 'c'.repeat(40), tree: 'd'.repeat(40), deployedAt: at };
const deployed = {
  type: 'deployed',
  at,
  run: 'job-1',
  environment: 'staging',
  service: 'shop',
  url: 'https://shop.example.com',
  release,
} as const;
const rolledBack = { type: 'rolled-back', at, run: 'job-1', environment: 'staging', from: release, reason: 'it fell over' } as const;
const verified = { type: 'verified', at, run: 'job-1', environment: 'staging', step: 'acceptance' } as const;

const step = (more: Partial<Step>): Step => ({
  name: 'stage',
  needs: [],
  outputs: [],
  env: {},
  secrets: [],
  reports: [],
  retries: 0,
  ...more,
});
const deploys = step({ deploy: 'staging' });
const verifies = step({ name: 'acceptance', verifies: 'staging' });
const read = (of: Step, ...lines: unknown[]): EventBody[] =>
  jobEventsIn(
    lines.map((line) => (typeof line === 'string' ? line : `@deliver ${JSON.stringify(line)}`)),
    of,
    'shop',
  );

describe('jobEventsIn', () => {
  it('reads deployments, verifications and rollbacks that `deliver step` prints', () => {
    const printed = [deployed, rolledBack].map((event) => jobEvent(event) ?? '');
    assert.deepEqual(
      read(deploys, 'building', ...printed, 'done').map(({ type }) => type),
      ['deployed', 'rolled-back'],
    );
    assert.deepEqual(read(deploys, ...printed)[0], {
      type: 'deployed',
      environment: 'staging',
      service: 'shop',
      url: 'https://shop.example.com',
      release,
    });
    assert.deepEqual(read(verifies, jobEvent(verified) ?? ''), [{ type: 'verified', environment: 'staging', step: 'acceptance' }]);
  });

  it('skips the prefix that a CI service prints before a line', () => {
    assert.equal(read(deploys, `[10:32:01] @deliver ${JSON.stringify(deployed)}`).length, 1);
  });

  it('ignores all other events of a step', () => {
    const others: RunEvent[] = [
      { type: 'notice', at, run: 'r', message: 'hello' },
      { type: 'run-finished', at, run: 'r', outcome: 'passed' },
    ];
    for (const event of others) {
      assert.equal(jobEvent(event), undefined);
      assert.deepEqual(read(deploys, event), []);
    }
  });

  it('ignores all events of a job that neither deploys nor verifies', () => {
    assert.deepEqual(read(step({ name: 'test' }), deployed, verified, rolledBack), []);
  });

  it('ignores events of other environments and services', () => {
    assert.deepEqual(read(deploys, { ...deployed, environment: 'production' }, { ...rolledBack, environment: 'production' }), []);
    assert.deepEqual(read(deploys, { ...deployed, service: 'mail' }), []);
    assert.deepEqual(read(verifies, { ...verified, environment: 'production' }), []);
  });

  it('ignores deployments in a job that verifies, and verifications in one that deploys', () => {
    assert.deepEqual(read(verifies, deployed), []);
    assert.deepEqual(read(deploys, verified), []);
  });

  it('attributes an event to the step that printed it', () => {
    assert.deepEqual(read(verifies, { ...verified, step: 'another' }), [{ type: 'verified', environment: 'staging', step: 'acceptance' }]);
  });

  it('drops an address that is not a web address', () => {
    for (const url of ['javascript:alert(1)', 'file:///etc/passwd', 'command:evil', '', 7, null]) {
      const [event] = read(deploys, { ...deployed, url });
      assert.equal(event?.type === 'deployed' && event.url, '', String(url));
    }
  });

  it('ignores broken lines', () => {
    const whole = JSON.stringify(deployed);
    const broken = [
      `@deliver ${whole.slice(0, -3)}`,
      '@deliver ',
      '@deliver null',
      '@deliver []',
      '@deliver "deployed"',
      '@deliver {"type":7}',
    ];
    assert.deepEqual(read(deploys, ...broken), []);
    assert.equal(read(deploys, ...broken, deployed).length, 1);
  });

  it('ignores invalid releases', () => {
    for (const bad of [
      undefined,
      'c'.repeat(40),
      { ...release, commit: 'HEAD' },
      { ...release, tree: '../..' },
      { ...release, deployedAt: 'soon' },
      { ...release, id: undefined },
    ]) {
      assert.deepEqual(read(deploys, { ...deployed, release: bad }), [], JSON.stringify(bad));
      assert.deepEqual(read(deploys, { ...rolledBack, from: bad }), [], JSON.stringify(bad));
    }
  });

  it('drops unknown fields and shortens text', () => {
    const huge = 'x'.repeat(1 << 20);
    const [event] = read(deploys, { ...rolledBack, reason: huge, from: { ...release, subject: huge, by: huge }, evil: huge });
    assert.ok(event?.type === 'rolled-back');
    assert.equal(event.reason.length, 500);
    assert.equal(event.from.subject?.length, 300);
    assert.ok(JSON.stringify(event).length < 2000);
    const negative = read(deploys, { ...rolledBack, errorsMs: -1, reason: undefined })[0];
    assert.ok(negative?.type === 'rolled-back');
    assert.deepEqual([negative.errorsMs, negative.reason], [undefined, 'it was rolled back']);
  });
});
