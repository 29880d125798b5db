import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BuildLog, LogSpool } from '../../../../../src/core/ci/jenkins/build-log';
import { JenkinsApi } from '../../../../../src/core/ci/jenkins/jenkins-api';
import type { RemoteRun } from '../../../../../src/core/ci/ci-client';
import { HttpClient } from '../../../../../src/core/http/http-client';
import { follow } from '../../../../support/ci/jenkins-following';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';
import { JenkinsServer } from '../../../../support/ci/jenkins-server';
import { ScriptedRuns } from '../../../../support/ci/scripted-runs';
import { temporaryFolder } from '../../../../support/temporary';

const names = ['lint', 'test', 'stage'];
/** The number of chunks of about 110 kB that stage `test` prints. */
const blocks = 480;
/** Much less than the log. */
const mostHeld = 4 << 20;

describe('a long Jenkins log', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const { TMPDIR } = process.env;
  let jenkins: JenkinsServer;
  let log: BuildLog;
  let run: RemoteRun;
  /** The number of chunks that the server has sent. */
  let sent: number;

  beforeEach(async () => {
    process.env['TMPDIR'] = temporary.path;
    const runs = new ScriptedRuns({ lint: [], test: ['lint'], stage: ['test'] });
    jenkins = await JenkinsServer.start(runs);
    runs.begin().pass();
    run = valueOf(await follow(jenkins).read('build:1', never));
    sent = 0;
    jenkins.longLog = { bytes: 1, html: counted };
    const api = new JenkinsApi(jenkins.url, jenkins.job, new HttpClient({ proxy: 'host', retryMs: 1 }), async () =>
      Promise.resolve(jenkins.token),
    );
    log = new BuildLog(api, 1);
  });
  afterEach(async () => {
    log.close();
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
    await jenkins.stop();
  });

  const block = (name: string, index: number): string => `${name} ${index} &lt; ${'.'.repeat(100)}\n`.repeat(1000);

  function* counted(): Iterable<string> {
    for (const text of html()) {
      sent++;
      yield text;
    }
  }

  /** Annotated as in Jenkins: each stage is a block with one step that prints. */
  function* html(): Iterable<string> {
    for (const name of names) {
      const id = Number(jobOf(run, name).id);
      yield `<span class="pipeline-new-node" nodeId="${id}" startId="${id}" enclosingId="3">[Pipeline] {\n</span>`;
      yield `<span class="pipeline-new-node" nodeId="${id + 1}" enclosingId="${id}">[Pipeline] sh\n</span><span class="pipeline-node-${id + 1}">`;
      for (let index = 0; index < (name === 'test' ? blocks : 3); index++) yield block(name, index);
      yield `</span><span class="pipeline-new-node" nodeId="${id + 2}" startId="${id}">[Pipeline] }\n</span>`;
    }
  }

  interface Read {
    readonly bytes: number;
    readonly hash: string;
    readonly isWhole: boolean;
    readonly largest: number;
  }

  async function read(name: string, from = 0): Promise<Read> {
    const hash = createHash('sha1');
    let [bytes, largest] = [0, 0];
    const take = (part: Buffer): void => {
      hash.update(part);
      bytes += part.length;
      largest = Math.max(largest, part.length);
    };
    const end = valueOf(await log.read(run.jobs, jobOf(run, name), from, take, never));
    return { bytes, hash: hash.digest('hex'), ...end, largest };
  }

  function wanted(name: string, from = 0): Pick<Read, 'bytes' | 'hash'> {
    const hash = createHash('sha1');
    let bytes = 0;
    for (let index = 0; index < (name === 'test' ? blocks : 3); index++) {
      const text = Buffer.from(block(name, index).replaceAll('&lt;', '<'));
      const part = text.subarray(Math.max(0, Math.min(text.length, from - bytes)));
      hash.update(part);
      bytes += text.length;
    }
    return { bytes: bytes - from, hash: hash.digest('hex') };
  }

  it('streams every byte in small parts with little memory', async () => {
    const before = memory();
    for (const name of names) {
      const { largest, isWhole, ...told } = await read(name);
      assert.deepEqual(told, wanted(name));
      assert.equal(isWhole, true);
      assert.ok(largest <= 1 << 20, `${largest} bytes were handed on at once`);
    }
    const held = memory() - before;
    assert.ok(held <= mostHeld, `${held} bytes are held`);
    assert.ok(wanted('test').bytes > 50_000_000);
  });

  it('is downloaded once for all stages', async () => {
    await read('stage');
    const all = sent;
    for (const [name, from] of [
      ['lint', 0],
      ['test', 12_345_678],
      ['stage', 5],
    ] as const) {
      const { bytes, hash } = await read(name, from);
      assert.deepEqual({ bytes, hash }, wanted(name, from));
    }
    assert.equal(sent, all);
  });

  it('loses and repeats nothing after a broken connection', async () => {
    for (const broken of [1, blocks / 4, blocks / 2, blocks]) {
      jenkins.longLog = {
        bytes: 1,
        html: function* () {
          let count = 0;
          for (const text of html()) {
            if (++count > broken) throw new Error('the connection breaks');
            yield text;
          }
        },
      };
      failureOf(await log.read(run.jobs, jobOf(run, 'test'), 0, () => assert.fail(), never));
    }
    jenkins.longLog = { bytes: 1, html };
    const { bytes, hash } = await read('test');
    assert.deepEqual({ bytes, hash }, wanted('test'));
  });

  it('leaves no file on disk', async () => {
    await read('test');
    assert.deepEqual(fs.readdirSync(temporary.path), []);
  });

  (process.platform === 'win32' ? it.skip : it)('can be read later if no temporary file can be created now', async () => {
    process.env['TMPDIR'] = path.join(temporary.path, 'missing');
    const { message } = failureOf(await log.read(run.jobs, jobOf(run, 'lint'), 0, () => assert.fail(), never));
    assert.match(message, /^the log of build 1 cannot be kept in a temporary file: .* does not exist/);
    process.env['TMPDIR'] = temporary.path;
    const { bytes, hash } = await read('lint');
    assert.deepEqual({ bytes, hash }, wanted('lint'));
  });
});

describe('LogSpool', () => {
  let spool: LogSpool;
  beforeEach(() => (spool = new LogSpool()));
  afterEach(() => spool.close());

  const texts = (from = 0): Record<string, string> => {
    const found: Record<string, string> = {};
    for (const { node = 'build', bytes } of spool.parts(from)) found[node] = (found[node] ?? '') + bytes.toString();
    return found;
  };

  for (const size of [1, 10, 1000, 65_536, 200_000])
    it(`separates pieces of ${size} bytes by node`, () => {
      const printed = { '7': '', '12': '', build: '' };
      for (let index = 0; index < 600_000 / size; index++) {
        const node = (['7', '12', 'build'] as const)[index % 3] ?? 'build';
        const text = String(index % 10).repeat(size);
        printed[node] += text;
        spool.add(node === 'build' ? undefined : node, text);
      }
      assert.equal(spool.keep(), undefined);
      assert.deepEqual(texts(), printed);
    });

  it('returns only kept text, from any earlier size', () => {
    spool.add('1', 'one ');
    spool.keep();
    const { size } = spool;
    spool.add('1', 'lost ');
    assert.deepEqual(texts(), { '1': 'one ' });
    spool.rewind(size);
    spool.add('2', 'two');
    spool.keep();
    assert.deepEqual([texts(), texts(size), texts(spool.size)], [{ '1': 'one ', '2': 'two' }, { '2': 'two' }, {}]);
    spool.rewind(0);
    assert.deepEqual(texts(), {});
  });
});

/** Returns the bytes in use. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
