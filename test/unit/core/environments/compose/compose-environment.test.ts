import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { ServiceRecords } from '../../../../../src/core/environments/recorded/service-record';
import { baseImage } from '../../../../support/docker';
import { eventually } from '../../../../support/temporary';
import { containerEnvironment, dockerfile, get, serve } from './compose-staging';

describe('a compose environment', function () {
  this.timeout(60_000);
  const staging = containerEnvironment();

  it('starts a service from its own files at a stable address', async () => {
    const first = await staging.deploy();
    assert.equal(first.problem, undefined);
    assert.equal(await get(first.url), first.id);
    assert.match(first.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const second = await staging.deploy();
    assert.equal(second.url, first.url);
    assert.equal(await get(second.url), second.id);
    const status = staging.status();
    assert.deepEqual([status?.state, status?.release?.id, status?.previous?.id], ['healthy', second.id, first.id]);
    assert.equal(fs.readFileSync(path.join(second.folder, 'compose.yaml'), 'utf8'), 'services:\n  shop:\n    build: .\n');
  });

  it('rolls back without a build and takes down the first release', async () => {
    const first = await staging.deploy();
    const second = await staging.deploy();
    const log: string[] = [];
    const back = await staging.environment().rollBack('shop', {}, (line) => log.push(line));
    assert.ok(back.ok, JSON.stringify(back));
    assert.deepEqual([back.value.from.id, back.value.to?.id], [second.id, first.id]);
    assert.equal(await get(first.url), first.id);
    assert.doesNotMatch(log.join('\n'), /build/i);
    const gone = await staging.environment().rollBack('shop');
    assert.ok(gone.ok && gone.value.to === undefined);
    assert.deepEqual(staging.containers(), []);
    await assert.rejects(get(first.url));
  });

  describe('a new release that fails', () => {
    const failing = async (options: Parameters<typeof staging.deploy>[0]) => {
      const good = await staging.deploy();
      const [container] = staging.containers();
      const bad = await staging.deploy(options);
      assert.equal(await get(good.url), good.id);
      assert.equal(staging.status()?.release?.id, good.id);
      return { ...bad, isSameContainer: staging.containers()[0] === container };
    };

    it('leaves the live one when it exits, and shows its last output', async () => {
      const { problem, log } = await failing({ files: { 'start.sh': 'echo starting; echo "no database" >&2; exit 3\n' } });
      assert.match(problem ?? '', /^shop did not come up in staging-\w+: it ended with exit code 3$/);
      assert.ok(log.includes('no database'), log.join('\n'));
    });

    it('leaves the live one when it keeps restarting', async () => {
      const compose = 'services:\n  shop:\n    build: .\n    restart: always\n';
      const { problem } = await failing({ files: { 'compose.yaml': compose, 'start.sh': 'exit 4\n' } });
      assert.match(problem ?? '', /it ended with exit code 4, \d times in a row/);
    });

    it('leaves the live one when its health path fails', async () => {
      const images = () => staging.docker('images', '--format', '{{.Tag}}').trim().split('\n').length;
      const before = images();
      const { problem } = await failing({ compose: { health: { probe: { http: '/healthz' }, timeoutMs: 1_000 } } });
      assert.match(problem ?? '', /GET \/healthz answered 404 \(after 1 s\)/);
      assert.equal(images(), before + 1, 'the image of the one that is live');
    });

    it('leaves the live one when its health check fails', async () => {
      const check = 'healthcheck: {test: ["CMD", "sh", "-c", "echo sick; exit 1"], interval: 1s, retries: 1}';
      const compose = `services:\n  shop:\n    build: .\n    ${check}\n`;
      const { problem } = await failing({ files: { 'compose.yaml': compose }, compose: { health: undefined } });
      assert.match(problem ?? '', /its health check fails: sick/);
    });

    it('leaves the live one when nothing listens', async () => {
      const health = { probe: { tcp: true as const }, timeoutMs: 1_500 };
      const { problem } = await failing({ files: { 'start.sh': "trap 'exit 0' TERM\nsleep 1000 & wait\n" }, compose: { health } });
      assert.match(problem ?? '', /nothing listens behind it/);
    });

    it('leaves the live one when its image cannot be built', async () => {
      const { problem, isSameContainer } = await failing({ files: { Dockerfile: `FROM ${baseImage}\nRUN exit 7\n` } });
      assert.match(problem ?? '', /^shop could not be built for staging-\w+: .*non-zero code: 7/);
      assert.ok(isSameContainer);
    });

    it('leaves the live one when its image cannot be pulled', async () => {
      const { problem } = await failing({ files: { 'compose.yaml': 'services:\n  shop:\n    image: localhost:1/shop:1\n' } });
      assert.match(problem ?? '', /an image cannot be pulled: /);
    });

    it('leaves the live one when its port is in use', async () => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as net.AddressInfo;
      const compose = `services:\n  shop:\n    build: .\n    ports: ["127.0.0.1:${port}:80"]\n`;
      try {
        const { problem } = await failing({ files: { 'compose.yaml': compose } });
        assert.match(problem ?? '', new RegExp(`^shop could not be started in staging-\\w+: port ${port} is in use$`));
      } finally {
        server.close();
      }
    });

    it('leaves the live one when it is cancelled while it starts', async () => {
      const good = await staging.deploy();
      const abort = new AbortController();
      const health = { probe: { http: '/never' }, timeoutMs: 30_000 };
      const [before] = staging.containers();
      const deploying = staging.deploy({ compose: { health }, signal: abort.signal });
      await eventually('the container was replaced', () => staging.containers().some((id) => id !== before));
      abort.abort();
      const { result } = await deploying;
      assert.ok(!result.ok && result.failure.kind === 'cancelled', JSON.stringify(result));
      assert.equal(await get(good.url), good.id);
      assert.equal(staging.containers().length, 1);
    });
  });

  it('removes a first release that does not come up', async () => {
    const { problem } = await staging.deploy({ files: { 'start.sh': 'exit 1\n' } });
    assert.match(problem ?? '', /exit code 1/);
    assert.equal(staging.docker('ps', '--all', '--quiet', '--filter', 'label=dev.deliver.service=shop'), '');
    assert.equal(staging.status(), undefined);
  });

  it('uses the only exposed port, and treats a program that keeps running as healthy', async () => {
    const files = { Dockerfile: dockerfile.replace('CMD', 'EXPOSE 80\nCMD') };
    const compose = { port: undefined, health: undefined };
    const { url, id, problem } = await staging.deploy({ files, compose });
    assert.equal(problem, undefined);
    assert.equal(await get(url), id);
    const silent = await staging.deploy({ service: 'worker', files: { 'start.sh': "trap 'exit 0' TERM\nsleep 1000 & wait\n" }, compose });
    assert.deepEqual([silent.problem, silent.url], [undefined, '']);
  });

  it('replaces a service that ignores SIGTERM, forks and floods its log', async () => {
    const noisy = "trap '' TERM\nyes 'a line of a service that never stops printing' &\nhttpd -f -p 80 -h /app/www\n";
    const compose = 'services:\n  shop:\n    build: .\n    stop_grace_period: 1s\n';
    const files = { 'compose.yaml': compose, 'start.sh': noisy };
    const first = await staging.deploy({ files });
    assert.equal(await get(first.url), first.id);
    const second = await staging.deploy({ files });
    assert.equal(await get(second.url), second.id);
    assert.equal(staging.containers().length, 1);
    assert.equal(staging.docker('ps', '--all', '--quiet').trim().split('\n').length, 1);
  });

  it('limits the size of the log on disk', async () => {
    await staging.deploy();
    const [id = ''] = staging.containers();
    const limits = staging.docker('inspect', '--format', '{{json .HostConfig.LogConfig.Config}}', id);
    assert.deepEqual(JSON.parse(limits), { 'max-file': '3', 'max-size': '20m' });
  });

  it('replaces only the delivered service and starts its dependencies', async () => {
    const compose = `services:
  shop:
    build: .
    depends_on: [db]
  db:
    image: ${baseImage}
    container_name: database
    command: sh -c "trap 'exit 0' TERM; sleep 1000 & wait"
`;
    const files = { 'compose.yaml': compose };
    const first = await staging.deploy({ files });
    assert.equal(first.problem, undefined);
    const database = () => staging.docker('ps', '--quiet', '--filter', 'label=com.docker.compose.service=db').trim();
    const before = database();
    assert.notEqual(before, '');
    const second = await staging.deploy({ files: { 'compose.yaml': `${compose}    environment: {CHANGED: "1"}\n` } });
    assert.equal(await get(second.url), second.id);
    assert.equal(database(), before);
    const [shop = ''] = staging.containers();
    // It keeps the alias from the file.
    staging.docker('exec', shop, 'sh', '-c', 'nc -w 1 database 1 || ping -c 1 database || wget -T 1 http://database; true');
    assert.match(staging.docker('exec', shop, 'busybox', 'nslookup', 'database'), /Address.*\d/);
  });

  it('connects the services of an environment by name', async () => {
    await staging.deploy({ service: 'inventory', files: { 'www/stock': 'three' } });
    await staging.deploy();
    const [shop = ''] = staging.containers();
    assert.equal(staging.docker('exec', shop, 'wget', '-q', '-O', '-', 'http://inventory:80/stock'), 'three');
    assert.match(staging.docker('exec', shop, 'env'), /^INVENTORY_URL=http:\/\/inventory:80$/m);
  });

  it('deploys the same snapshot to a second environment without a build', async () => {
    const tree = 'ab'.repeat(20);
    const first = await staging.deploy({ tree, files: { 'www/index.html': 'same' } });
    const second = await staging.deploy({ tree, files: { 'www/index.html': 'same' }, environment: staging.other() });
    assert.equal(await get(second.url), 'same');
    assert.doesNotMatch(second.log.join('\n'), /Building|Step \d/);
    assert.notEqual(second.url, first.url);
    assert.equal(await get(first.url), 'same');
  });

  it('passes secrets to the container and does not store them', async () => {
    const compose = 'services:\n  shop:\n    build: .\n    environment: {TOKEN: "${TOKEN:?}", LEVEL: "${LEVEL}"}\n';
    const options = { files: { 'compose.yaml': compose }, compose: { env: { LEVEL: 'high' } } };
    assert.match((await staging.deploy(options)).problem ?? '', /TOKEN/);
    const first = await staging.deploy({ ...options, secrets: { TOKEN: 'very-secret-1' } });
    assert.equal(first.problem, undefined);
    const [id = ''] = staging.containers();
    assert.match(staging.docker('exec', id, 'env'), /^TOKEN=very-secret-1$/m);
    assert.match(staging.docker('exec', id, 'env'), /^LEVEL=high$/m);
    assert.throws(() => execFileSync('grep', ['-r', 'very-secret-1', staging.home]));

    const second = await staging.deploy();
    const back = await staging.environment().rollBack('shop');
    assert.ok(!back.ok);
    assert.match(back.failure.message, /cannot be restored without its secret TOKEN/);
    assert.equal(await get(second.url), second.id);
    process.env['TOKEN'] = 'very-secret-1';
    try {
      assert.ok((await staging.environment().rollBack('shop')).ok);
    } finally {
      delete process.env['TOKEN'];
    }
    assert.match(staging.docker('exec', staging.containers()[0] ?? '', 'env'), /^TOKEN=very-secret-1$/m);
  });

  describe('a promotion', () => {
    it('uses the verified image unchanged', async () => {
      const first = await staging.deploy();
      const artifact = staging.status()!.artifact!;
      const promotes = { environment: 'staging', kind: 'compose' as const, artifact };
      const promoted = await staging.deploy({ promotes, environment: staging.other(), files: { 'www/index.html': 'never built' } });
      assert.equal(promoted.problem, undefined);
      assert.equal(await get(promoted.url), first.id);
      assert.doesNotMatch(promoted.log.join('\n'), /Building|Step \d/);
    });

    it('is refused without an image', async () => {
      const artifact = { slot: '/', folder: '/' };
      const none = await staging.deploy({ promotes: { environment: 'laptop', kind: 'process', artifact } });
      assert.match(none.problem ?? '', /laptop is of the kind process, which builds no container image/);
      const image = `sha256:${'0'.repeat(64)}`;
      const gone = await staging.deploy({ promotes: { environment: 'laptop', kind: 'compose', artifact: { ...artifact, image } } });
      assert.match(gone.problem ?? '', /is no longer on this machine/);
    });
  });

  it('recovers from a delivery that died half-way', async () => {
    const dead = { pid: 2 ** 22 + 1, startedAt: 'long ago' };
    const records = new ServiceRecords(staging.home, staging.name);
    const first = await staging.deploy();
    const { current, ...before } = records.read('shop')!;
    assert.ok(current);
    const second = await staging.deploy();
    records.write({ ...before, current, deploying: { release: second.release, by: dead } });
    const back = await staging.environment().recover('shop', second.id, () => {});
    assert.ok(back.ok && back.value?.to?.id === first.id, JSON.stringify(back));
    assert.equal(await get(first.url), first.id);
    records.write({ ...before, deploying: { release: first.release, by: dead } });
    const gone = await staging.environment().recover('shop', first.id, () => {});
    assert.ok(gone.ok && gone.value?.from.id === first.id && !gone.value.to, JSON.stringify(gone));
    assert.deepEqual(staging.containers(), []);
  });

  it('observes releases that were delivered elsewhere', async () => {
    const { url, id } = await staging.deploy();
    const other = { home: path.join(staging.home, 'other'), service: 'inventory' };
    const observed = await staging.environment(other).observe(new AbortController().signal);
    assert.ok(observed.ok, JSON.stringify(observed));
    const status = staging.status('shop', other);
    assert.deepEqual([status?.state, status?.release?.id, status?.url], ['healthy', id, url]);
    assert.equal(status?.release?.subject, `It's $HOME, "${id}"`);
  });

  it('detects a service that fails, is paused or was removed', async () => {
    await staging.deploy();
    const [id = ''] = staging.containers();
    const observe = async () => {
      assert.ok((await staging.environment().observe(new AbortController().signal)).ok);
      const status = staging.status();
      return [status?.state, status?.reason];
    };
    staging.docker('exec', id, 'rm', '/app/www/index.html');
    assert.deepEqual(await observe(), ['unhealthy', 'GET / answered 404']);
    staging.docker('pause', id);
    assert.deepEqual(await observe(), ['stopped', 'it is paused']);
    staging.docker('unpause', id);
    staging.docker('rm', '--force', id);
    assert.deepEqual(await observe(), ['unhealthy', 'its container was removed']);
  });

  it('reports changes and leaves no process after the watch ends', async () => {
    await staging.deploy();
    const abort = new AbortController();
    let changes = 0;
    const watching = staging.environment().watch(() => changes++, abort.signal);
    await eventually('the watch has started', () => listeners().length > 0);
    staging.docker('restart', '--time', '1', staging.containers()[0] ?? '');
    await eventually('the change is reported', () => changes > 0);
    abort.abort();
    await watching;
    assert.deepEqual(listeners(), []);
  });

  it('stops all containers and starts them again', async () => {
    const { url, id } = await staging.deploy();
    assert.ok((await staging.environment().stop()).ok);
    await assert.rejects(get(url));
    assert.equal(staging.status()?.state, 'stopped');
    assert.ok((await staging.environment().start()).ok);
    assert.equal(await get(url), id);
    // It also starts after its container was removed by hand.
    staging.docker('rm', '--force', staging.containers()[0] ?? '');
    assert.ok((await staging.environment().start()).ok);
    assert.equal(await get(url), id);
  });

  it('follows a log across releases', async () => {
    const printing = `echo one; echo two; echo three\n${serve}`;
    await staging.deploy({ files: { 'start.sh': printing } });
    let text = '';
    const write = (bytes: Buffer) => (text += bytes.toString());
    assert.ok((await staging.environment().logs('shop', { lines: 2 }, write, new AbortController().signal)).ok);
    assert.equal(text, 'two\nthree\n');
    text = '';
    const abort = new AbortController();
    const following = staging.environment().logs('shop', { lines: 1, follow: true }, write, abort.signal);
    await eventually('the first line arrives', () => text === 'three\n');
    await staging.deploy({ files: { 'start.sh': `echo four\n${serve}` } });
    await eventually("the next release's line arrives", () => text.endsWith('four\n'));
    abort.abort();
    assert.ok((await following).ok);
  });

  it('keeps only the images of releases that can be restored', async () => {
    const images = () =>
      staging
        .docker('images', '--format', '{{.Repository}}')
        .split('\n')
        .filter((name) => name === 'deliver/shop').length;
    const before = images();
    for (let count = 0; count < 7; count++) assert.equal((await staging.deploy()).problem, undefined);
    assert.equal(images() - before, 6);
  });

  it('pins an image that the file names without a build', async () => {
    const compose = (text: string) => ({ files: { 'compose.yaml': `services:\n  shop:\n    image: ${text}\n` } });
    const make = (text: string) => {
      const folder = staging.write({ files: { 'www/index.html': text } });
      staging.docker('build', '--quiet', '--tag', 'registry.test/shop:latest', folder);
    };
    make('one');
    const first = await staging.deploy(compose('registry.test/shop:latest'));
    assert.equal(first.problem, undefined);
    make('two');
    const second = await staging.deploy(compose('registry.test/shop:latest'));
    assert.equal(await get(second.url), 'two');
    assert.ok((await staging.environment().rollBack('shop')).ok);
    assert.equal(await get(first.url), 'one');
  });
});

/** Returns the processes that wait for events of the engine. */
function listeners(): string[] {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('docker\0events');
    } catch {
      return false; // it has just ended
    }
  });
}
