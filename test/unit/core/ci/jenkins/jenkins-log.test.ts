import * as assert from 'node:assert/strict';
import { AnnotatedLog } from '../../../../../src/core/ci/jenkins/annotated-log';
import type { CiClient, RemoteRun } from '../../../../../src/core/ci/ci-client';
import { follow, logOf } from '../../../../support/ci/jenkins-following';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';
import { JenkinsServer } from '../../../../support/ci/jenkins-server';
import { ScriptedRuns, type ScriptedRun } from '../../../../support/ci/scripted-runs';

describe('the log of Jenkins', () => {
  let jenkins: JenkinsServer;
  let engine: CiClient;
  let scripted: ScriptedRun;

  beforeEach(async () => {
    const runs = new ScriptedRuns({ lint: [], test: [], stage: ['lint', 'test'] });
    jenkins = await JenkinsServer.start(runs);
    engine = follow(jenkins);
    scripted = runs.begin();
  });
  afterEach(async () => jenkins.stop());

  const read = async (): Promise<RemoteRun> => valueOf(await engine.read('build:1', never));
  const logRequests = (): number => jenkins.asked.filter(({ path }) => path.endsWith('/progressiveHtml')).length;

  it('says of each line which stage printed it, also where they print at the same time', async () => {
    const [lint, test] = [scripted.job('lint').start(), scripted.job('test').start()];
    for (let index = 0; index < 4; index++) {
      lint.print(`lint ${index}\n`);
      jenkins.observe();
      test.print(`test ${index}\n`);
      jenkins.observe();
    }
    const run = await read();
    assert.equal((await logOf(engine, run, 'lint')).text, 'lint 0\nlint 1\nlint 2\nlint 3\n');
    assert.equal((await logOf(engine, run, 'test')).text, 'test 0\ntest 1\ntest 2\ntest 3\n');
  });

  it('goes on where it was read to, for one request of all stages', async () => {
    const [lint, test] = [scripted.job('lint').start(), scripted.job('test').start()];
    lint.print('one\n');
    jenkins.observe();
    test.print('eins\n');
    const run = await read();
    const had = { lint: '', test: '' };
    const more = async (): Promise<void> => {
      for (const name of ['lint', 'test'] as const) had[name] += (await logOf(engine, run, name, Buffer.byteLength(had[name]))).text;
    };
    await more();
    assert.equal(logRequests(), 1);
    test.print('zwei\n');
    jenkins.observe();
    lint.print('two\n');
    jenkins.observe();
    test.print('drei\n');
    await more();
    assert.equal(logRequests(), 2);
    assert.deepEqual(had, { lint: 'one\ntwo\n', test: 'eins\nzwei\ndrei\n' });
    assert.ok(Number(jenkins.asked.findLast(({ path }) => path.endsWith('/progressiveHtml'))?.query.get('start')) > 0);
  });

  it('is asked for once, and only for its new part, each time it grows', async () => {
    const lint = scripted.job('lint').start();
    scripted.job('test').start();
    let [had, wanted] = ['', ''];
    const starts = (): number[] =>
      jenkins.asked.splice(0).flatMap(({ path, query }) => (path.endsWith('/progressiveHtml') ? [Number(query.get('start'))] : []));
    for (let time = 0; time < 5; time++) {
      const text = `${String(time).repeat(50)}\n`.repeat(100);
      lint.print(text);
      wanted += text;
      had += (await logOf(engine, await read(), 'lint', Buffer.byteLength(had))).text;
      assert.equal(had, wanted);
      const [first = NaN, ...more] = starts();
      assert.ok(first >= time * 100 * 50 && more.length === 0, `from ${first} and ${String(more)} on`);
      scripted.job('test').print('beside\n');
      jenkins.observe();
    }
    // Asked for the first time, from the answers that were had; the last line comes with the next.
    assert.equal((await logOf(engine, await read(), 'test')).text, 'beside\n'.repeat(4));
    assert.equal((await logOf(engine, await read(), 'test', 7 * 4)).text, 'beside\n');
  });

  it('keeps every letter that a step printed, and none that Jenkins put there', async () => {
    const text =
      '<b>&amp; "x" > \u001b[31mrot\u001b[0m\r\n[Pipeline] printed by the step\nsee https://example.com/a?b=1 <span>ü€😀</span>\n\tend';
    scripted.job('lint').start().print(text).end('passed');
    assert.equal((await logOf(engine, await read(), 'lint')).text, text);
  });

  it('is whole when its stage has ended, though the build goes on', async () => {
    scripted.job('lint').start().print('done\n');
    assert.deepEqual(await logOf(engine, await read(), 'lint'), { text: 'done\n', isWhole: false });
    scripted.job('lint').end('passed');
    scripted.job('test').start().print('going on\n');
    const run = await read();
    assert.equal((await logOf(engine, run, 'lint')).isWhole, true);
    assert.equal((await logOf(engine, run, 'test')).isWhole, false);
  });

  it('is not asked for again once all of it was read', async () => {
    scripted.job('lint').start().print('done\n');
    scripted.pass();
    const run = await read();
    for (let time = 0; time < 3; time++) assert.deepEqual(await logOf(engine, run, 'lint'), { text: 'done\n', isWhole: true });
    assert.equal(logRequests(), 1);
  });

  it('is the same from any byte on, also for who asks for the first time', async () => {
    const text = 'first\nsecond ü\nthird\n';
    scripted.job('lint').start().print(text);
    scripted.pass();
    const run = await read();
    for (let from = 0; from <= Buffer.byteLength(text) + 1; from++) {
      const chunks: Buffer[] = [];
      valueOf(await follow(jenkins).readLog(run, jobOf(run, 'lint'), from, (bytes) => chunks.push(bytes), never));
      assert.deepEqual(Buffer.concat(chunks), Buffer.from(text).subarray(from));
    }
  });

  it('loses and doubles nothing, wherever a connection breaks', async () => {
    const lint = scripted.job('lint').start().print('one\ntwo\n');
    scripted.job('test').start();
    jenkins.observe();
    let had = (await logOf(engine, await read(), 'lint')).text;
    scripted.job('test').print('between\n');
    jenkins.observe();
    lint.print('three & four\nfive\n').end('passed');
    const run = await read();
    let cut = 0;
    jenkins.fault = ({ path }) => (path.endsWith('/progressiveHtml') && cut < 150 ? { cut } : undefined);
    for (; cut < 150; cut += 7) {
      const written: Buffer[] = [];
      const answer = await engine.readLog(run, jobOf(run, 'lint'), Buffer.byteLength(had), (bytes) => written.push(bytes), never);
      failureOf(answer);
      had += Buffer.concat(written).toString();
    }
    had += (await logOf(engine, run, 'lint', Buffer.byteLength(had))).text;
    assert.equal(had, 'one\ntwo\nthree & four\nfive\n');
  });

  it('takes no line of the build itself for one of a step that printed right before', async () => {
    const lint = scripted.job('lint').start().print('one\n');
    let had = (await logOf(engine, await read(), 'lint')).text;
    lint.print('two\n');
    jenkins.observe();
    jenkins.build(scripted).own('Aborted by Mona\n');
    lint.print('three\n');
    had += (await logOf(engine, await read(), 'lint', Buffer.byteLength(had))).text;
    lint.print('four\n').end('cancelled');
    const run = await read();
    had += (await logOf(engine, run, 'lint', Buffer.byteLength(had))).text;
    assert.equal(had, 'one\ntwo\nthree\nfour\n');
    assert.equal((await logOf(follow(jenkins), run, 'lint')).text, had);
  });

  it('gives what no stage printed to the build where that failed outside of them', async () => {
    scripted.startupFailure = 'Unable to find Jenkinsfile';
    const { text, isWhole } = await logOf(engine, await read(), 'shop');
    assert.match(text, /^Started by user octocat\nERROR: Unable to find Jenkinsfile\n/);
    assert.ok(!text.includes('[Pipeline]'));
    assert.equal(isWhole, true);
  });

  it('is all of it for the build where the plugin for stages is missing', async () => {
    jenkins.hasStageView = false;
    scripted.job('lint').start().print('hello\n');
    scripted.pass();
    assert.equal((await logOf(engine, await read(), 'shop')).text, 'Started by user octocat\nhello\nFinished: SUCCESS\n');
  });

  it('is read on for one who waits with another that gives up', async () => {
    const stop = new AbortController();
    scripted.job('lint').start().print('hello\n');
    scripted.job('test').start();
    const run = await read();
    jenkins.fault = ({ path }) => {
      if (!path.endsWith('/progressiveHtml') || stop.signal.aborted) return undefined;
      setImmediate(() => stop.abort());
      return { delayMs: 60_000 };
    };
    const given = engine.readLog(run, jobOf(run, 'test'), 0, () => assert.fail(), stop.signal);
    assert.equal((await logOf(engine, run, 'lint')).text, 'hello\n');
    failureOf(await given);
  });

  it('is no page that came in its place', async () => {
    scripted.job('lint').start().print('hello\n');
    const run = await read();
    const answer = async (): Promise<string> =>
      failureOf(await engine.readLog(run, jobOf(run, 'lint'), 0, () => assert.fail(), never)).message;
    jenkins.fault = ({ path }) =>
      path.endsWith('/progressiveHtml') ? { reply: { headers: { 'Content-Type': 'text/html' }, body: '<html>Sign in</html>' } } : undefined;
    assert.match(await answer(), /web page/);
    for (const [status, message] of [
      [401, /token/],
      [404, /404/],
      [500, /500/],
    ] as const) {
      jenkins.fault = ({ path }) => (path.endsWith('/progressiveHtml') ? { reply: { status } } : undefined);
      assert.match(await answer(), message);
    }
  });

  it('says nothing of a stage where Jenkins does not mark what is whose', async () => {
    scripted.job('lint').start().print('hello\n');
    scripted.pass();
    const run = await read();
    const reply = { headers: { 'Content-Type': 'text/html', 'X-Text-Size': '6' }, body: 'hello\n' };
    jenkins.fault = ({ path }) => (path.endsWith('/progressiveHtml') ? { reply } : undefined);
    assert.match(
      failureOf(await engine.readLog(run, jobOf(run, 'lint'), 0, () => assert.fail(), never)).message,
      /does not say what belongs/,
    );
  });

  describe('as it is annotated', () => {
    const texts = (html: string, size: number, node?: string): string[] => {
      const found = new Map<string, string>();
      const log = new AnnotatedLog(node, (of = '-', text) => found.set(of, (found.get(of) ?? '') + text));
      for (let at = 0; at < html.length; at += size) log.push(html.slice(at, at + size));
      const end = log.end();
      return [...[...found].map(([key, text]) => `${key} ${text}`), `then ${end ?? '-'}`];
    };

    const html =
      '<span class="pipeline-new-node" nodeId="7" enclosingId="6">[Pipeline] sh\n</span>' +
      '<span class="pipeline-node-7"><span class="timestamp"><b>12:00:00</b> </span><span style="display: none">[2026-01-01T12:00:00Z]</span> a &lt; b &amp; c\n' +
      `<span style="display: none;">\u001b[31m</span><span style="color: red">red</span> <a href='https://x.example'>x</a>\n</span>aborted\n<span class="pipeline-node-9">nine\n</span>`;

    for (const size of [1, 2, 5, 1000])
      it(`is understood in pieces of ${size}`, () => {
        assert.deepEqual(texts(html, size), ['7 a < b & c\n\u001b[31mred x\n', '- aborted\n', '9 nine\n', 'then 9']);
      });

    it('goes on with the node of the answer before', () => {
      assert.deepEqual(texts('more\n</span>', 100, '9'), ['9 more\n', 'then 9']);
      assert.deepEqual(texts('<span class="pipeline-new-node" nodeId="10">[Pipeline] }\n</span>own\n', 100, '9'), ['- own\n', 'then -']);
    });
  });
});
