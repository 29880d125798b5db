import * as assert from 'node:assert/strict';
import { engineHost, neighbourVariables, urlOf } from '../../../../../src/core/environments/compose/addresses';
import { type Container, label, observedServices } from '../../../../../src/core/environments/compose/containers';

const release = (id: string) => JSON.stringify({ id, commit: 'c', tree: 't', deployedAt: '2026-01-01T00:00:00Z' });

function container(service: string, id: string, more: Partial<Container> = {}): Container {
  return {
    id: `${service}-${id}`,
    name: service,
    image: 'sha256:1',
    created: '2026-01-01T00:00:00Z',
    labels: { [label.service]: service, [label.release]: release(id), [label.port]: '80' },
    status: 'running',
    exitCode: 0,
    error: '',
    isOutOfMemory: false,
    restarts: 0,
    startedAt: '2026-01-01T00:00:00Z',
    ports: [{ target: 80, hostIp: '127.0.0.1', host: 20080 }],
    ...more,
  };
}

describe('the services that containers report', () => {
  const observed = (...containers: Container[]) =>
    observedServices(containers, (one) => urlOf(one, '127.0.0.1')).map(({ service, state, reason, url, release: live }) =>
      [service, state, live?.id, url, reason].filter((part) => part !== undefined).join(' '),
    );

  it('have a release and an address', () => {
    assert.deepEqual(observed(container('stock', '1'), container('shop', '2')), [
      'shop healthy 2 http://127.0.0.1:20080',
      'stock healthy 1 http://127.0.0.1:20080',
    ]);
  });

  it('are read from running containers, not from leftovers of an earlier release', () => {
    const left = container('shop', '1', { status: 'exited', created: '2026-02-01T00:00:00Z', ports: [] });
    assert.deepEqual(observed(left, container('shop', '2')), ['shop healthy 2 http://127.0.0.1:20080']);
  });

  it('have the worst status of their containers', () => {
    const sick = container('shop', '2', { health: 'unhealthy', healthOutput: 'no database' });
    assert.deepEqual(observed(container('shop', '2'), sick), [
      'shop unhealthy 2 http://127.0.0.1:20080 its health check fails: no database',
    ]);
  });

  it('show how a container ended', () => {
    const ended = (more: Partial<Container>) => observed(container('shop', '1', { ports: [], ...more }))[0];
    assert.equal(ended({ status: 'exited', exitCode: 143 }), 'shop stopped 1 it ended with exit code 143');
    assert.equal(ended({ status: 'exited', exitCode: 1 }), 'shop unhealthy 1 it ended with exit code 1');
    assert.equal(
      ended({ status: 'exited', exitCode: 137, isOutOfMemory: true }),
      'shop unhealthy 1 it exceeded its memory limit and was killed',
    );
    assert.match(ended({ status: 'restarting', exitCode: 2 }) ?? '', /unhealthy 1 it keeps restarting: it ends with exit code 2/);
  });

  it('have no release if the label is not from Deliver', () => {
    assert.deepEqual(observed(container('shop', '1', { labels: { [label.service]: 'shop', [label.release]: 'v1' }, ports: [] })), [
      'shop healthy',
    ]);
  });
});

describe('the addresses of containers', () => {
  it("use the engine's host", () => {
    assert.equal(engineHost({}), '127.0.0.1');
    assert.equal(engineHost({ DOCKER_HOST: 'unix:///var/run/docker.sock' }), '127.0.0.1');
    assert.equal(engineHost({ DOCKER_HOST: 'ssh://me@builds.test:22' }), 'builds.test');
    assert.equal(engineHost({ DOCKER_HOST: 'tcp://10.0.0.7:2376' }), '10.0.0.7');
  });

  it('are passed to other containers by network name', () => {
    const others = neighbourVariables('shop', [container('stock', '1'), container('shop', '1')], {
      mail: 'https://mail.test',
      pay: 'http://127.0.0.1:9',
    });
    assert.deepEqual(others, { MAIL_URL: 'https://mail.test', STOCK_URL: 'http://stock:80' });
  });
});
