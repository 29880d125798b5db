import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { BuildLog, mostHeld } from '../../../../../src/core/ci/jenkins/build-log';
import { JenkinsApi } from '../../../../../src/core/ci/jenkins/jenkins-api';
import { LogWindow } from '../../../../../src/core/ci/jenkins/log-window';
import type { RemoteRun } from '../../../../../src/core/ci/ci-client';
import { HttpClient } from '../../../../../src/core/http/http-client';
import { follow } from '../../../../support/ci/jenkins-following';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';
import { JenkinsServer } from '../../../../support/ci/jenkins-server';
import { ScriptedRuns } from '../../../../support/ci/scripted-runs';

const names = ['lint', 'test', 'stage'];
/** Of what stage `test` prints: far more than may be held. */
const blocks = 400;

describe('a log of Jenkins that is long', function () {
  this.timeout(120_000);
  let jenkins: JenkinsServer;
  let log: BuildLog;
  let run: RemoteRun;
  /** How many pieces of the log left the server. */
  let sent: number;

  beforeEach(async () => {
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
  afterEach(async () => jenkins.stop());

  const block = (name: string, index: number): string => `${name} ${index} &lt; ${'.'.repeat(100)}\n`.repeat(1000);

  function* counted(): Iterable<string> {
    for (const text of html()) {
      sent++;
      yield text;
    }
  }

  /** As Jenkins annotates it: each stage is a block with one step that prints. */
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
    /** The most that was held at any time. */
    readonly held: number;
    readonly largest: number;
  }

  async function read(name: string, from = 0): Promise<Read> {
    const hash = createHash('sha1');
    let [bytes, held, largest] = [0, 0, 0];
    const end = valueOf(
      await log.read(
        run.jobs,
        jobOf(run, name),
        from,
        (part) => {
          hash.update(part);
          bytes += part.length;
          largest = Math.max(largest, part.length);
          held = Math.max(held, log.held);
        },
        never,
      ),
    );
    return { bytes, hash: hash.digest('hex'), ...end, held: Math.max(held, log.held), largest };
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

  it('is handed on as it arrives, every byte of it, and only its end is held', async () => {
    for (const name of names) {
      const { held, largest, isWhole, ...told } = await read(name);
      assert.deepEqual(told, wanted(name));
      assert.equal(isWhole, true);
      assert.ok(held <= mostHeld, `${held} bytes are held`);
      assert.ok(largest <= 1 << 20, `${largest} bytes were handed on at once`);
    }
    assert.ok(wanted('test').bytes > 20 * mostHeld);
  });

  it('is read to the end of the stage that is asked for, and no further', async () => {
    await read('stage');
    const all = sent;
    await read('lint');
    // What is on its way when it is known to be enough has left already.
    assert.ok(sent - all < all / 2, `${sent - all} of ${all} pieces were sent`);
  });

  it('is not read anew for what is held', async () => {
    await read('stage');
    const all = sent;
    const { held, largest, isWhole, ...told } = await read('stage', 5);
    assert.deepEqual([told, sent], [wanted('stage', 5), all]);
    assert.ok(isWhole && held > 0 && largest > 0);
  });

  it('loses and doubles nothing where the connection breaks within it', async () => {
    await read('stage');
    const hash = createHash('sha1');
    let bytes = 0;
    const take = (part: Buffer): void => {
      hash.update(part);
      bytes += part.length;
    };
    for (const broken of [blocks / 4, blocks / 2, blocks]) {
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
      const before = bytes;
      failureOf(await log.read(run.jobs, jobOf(run, 'test'), bytes, take, never));
      assert.ok(bytes > before);
    }
    jenkins.longLog = { bytes: 1, html };
    valueOf(await log.read(run.jobs, jobOf(run, 'test'), bytes, take, never));
    assert.deepEqual({ bytes, hash: hash.digest('hex') }, wanted('test'));
  });
});

describe('the end of a log', () => {
  const text = (window: LogWindow, node: string): string =>
    window
      .parts()
      .filter((part) => part.node === node)
      .map(({ bytes }) => bytes.toString())
      .join('');

  it('holds no more than it may, however it was printed, and counts what came before', () => {
    for (const size of [1, 10, 1000, 20_000]) {
      const window = new LogWindow(100_000);
      const printed = { a: '', b: '' };
      for (let index = 0; index < 400_000 / size; index++) {
        const node = index % 3 === 0 ? 'a' : 'b';
        const bytes = Buffer.alloc(size, index % 10 === 0 ? '\n' : String(index % 10));
        printed[node] += bytes.toString();
        window.add({ node, bytes });
        assert.ok(window.size <= 100_000);
      }
      for (const node of ['a', 'b'] as const) assert.equal(text(window, node), printed[node].slice(window.before.get(node) ?? 0));
      assert.ok((window.before.get('a') ?? 0) > 0);
    }
  });

  it('goes on with what came later', () => {
    const add = (window: LogWindow, node: string, letters: string): void => window.add({ node, bytes: Buffer.from(letters) });
    const [window, later, last] = [new LogWindow(1000), new LogWindow(1000), new LogWindow(1000)];
    add(window, 'a', 'one ');
    add(later, 'a', 'two ');
    add(later, 'b', 'three ');
    window.append(later);
    assert.deepEqual([text(window, 'a'), text(window, 'b'), window.before.size], ['one two ', 'three ', 0]);
    for (const size of [20_000, 20_000, 500]) add(last, 'a', String(size % 7).repeat(size));
    window.append(last);
    assert.deepEqual([text(window, 'b'), window.before.get('a'), window.before.get('b')], ['', 40_008, 6]);
    assert.equal(text(window, 'a'), '3'.repeat(500));
  });
});
