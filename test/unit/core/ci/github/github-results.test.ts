import * as assert from 'node:assert/strict';
import { zipSync } from 'fflate';
import type { DeploymentRecord, RemoteDeployment, CiResult } from '../../../../../src/core/ci/ci-client';
import { logOf } from '../../../../support/ci/github-answers';
import { commit, OnGithub } from '../../../../support/ci/on-github';
import { failureOf, jobOf, never, valueOf } from '../../../../support/ci/remote-answers';

const report = (name: string): string =>
  `<testsuite name="cart"><testcase name="${name}" file="test/cart.test.ts" line="7"><failure message="expected 2 to be 3"/></testcase></testsuite>`;

describe('the log of a job of GitHub', () => {
  const on = new OnGithub();
  const ended = (text: string | Buffer): Buffer => {
    on.run.job('build').start().print(text).end('passed');
    return logOf(on.run.job('build'));
  };

  it('comes from where GitHub stores it, which gets no token', async () => {
    const expected = ended('one\ntwo\n');
    const { bytes, end } = await on.log('build');
    assert.deepEqual(bytes, expected);
    assert.deepEqual(valueOf(end), { isWhole: true });
    assert.deepEqual(
      on.server.stored.map(({ headers }) => headers.authorization),
      [undefined],
    );
  });

  it('is not asked for while the job goes on', async () => {
    on.run.job('build').start().print('one\n');
    const { bytes, end } = await on.log('build');
    assert.deepEqual([bytes.length, valueOf(end)], [0, { isWhole: false }]);
    assert.ok(!on.paths().some((path) => path.endsWith('/logs')));
  });

  it('comes seconds after its job ended', async () => {
    await on.open({ logDelay: 1 });
    const expected = ended('one\n');
    assert.deepEqual(valueOf((await on.log('build')).end), { isWhole: false });
    assert.deepEqual((await on.log('build')).bytes, expected);
  });

  it('does not come any more long after its job ended', async () => {
    const long = '2026-01-01T00:00:00Z';
    await on.open({ logDelay: 9, jobMore: () => ({ started_at: long, completed_at: long }) });
    ended('one\n');
    assert.equal(failureOf((await on.log('build')).end).message, 'GitHub has no log of build');
  });

  it('is deleted after some time', async () => {
    ended('one\n');
    on.server.fault = ({ path }) => (path.endsWith('/logs') ? { reply: { status: 410, body: { message: 'Gone' } } } : undefined);
    assert.match(failureOf((await on.log('build')).end).message, /has deleted the log of build/);
  });

  for (const hasNoRanges of [false, true])
    it(`goes on where the connection broke${hasNoRanges ? ', also where all of it is sent again' : ''}: no byte is lost or doubled`, async () => {
      await on.open({ hasNoRanges });
      const expected = ended(`${'0123456789'.repeat(500)}\n`.repeat(20));
      on.server.storageFault = () => ({ cut: 60_000 });
      const first = await on.log('build');
      assert.equal(failureOf(first.end).reason, 'offline');
      assert.ok(first.bytes.length > 0 && first.bytes.length < expected.length, `${first.bytes.length} bytes`);
      on.server.storageFault = undefined;
      const second = await on.log('build', first.bytes.length);
      assert.deepEqual(valueOf(second.end), { isWhole: true });
      assert.deepEqual(Buffer.concat([first.bytes, second.bytes]), expected);
    });

  it('has nothing more from its end on', async () => {
    const { length } = ended('one\n');
    const { bytes, end } = await on.log('build', length);
    assert.deepEqual([bytes.length, valueOf(end)], [0, { isWhole: true }]);
  });

  it('is no web page', async () => {
    ended('one\n');
    on.server.storageFault = () => ({ reply: { headers: { 'Content-Type': 'text/html' }, body: '<html>Sign in</html>' } });
    const { bytes, end } = await on.log('build');
    assert.equal(bytes.length, 0);
    assert.match(failureOf(end).message, /answered a web page \(HTML\) instead of what is stored there/);
  });

  it('is none where the job never ran', async () => {
    on.run.job('build').start().end('failed');
    const { end } = await on.log('test');
    assert.deepEqual(valueOf(end), { isWhole: true });
    assert.ok(!on.paths().some((path) => path.endsWith('/logs')));
  });

  for (const status of [401, 403, 429, 500, 503])
    it(`says what a ${status} of the storage is`, async () => {
      ended('one\n');
      on.server.storageFault = () => ({ reply: { status, body: '<Error/>' } });
      assert.equal(failureOf((await on.log('build')).end).status, status);
    });
});

describe('problems of a job of GitHub', () => {
  const on = new OnGithub();
  const problems = async (): Promise<ReturnType<typeof valueOf<unknown>>> => {
    const run = await on.read();
    return valueOf(await on.engine.problems(run, jobOf(run, 'build'), never));
  };
  const fail = (): void => {
    on.run.job('build').start().end('failed');
  };

  it('are the failing tests of the reports that it uploaded', async () => {
    fail();
    on.run.job('build').report = report('adds up');
    assert.deepEqual(await problems(), [
      {
        severity: 'error',
        message: 'cart › adds up: expected 2 to be 3',
        source: 'junit',
        file: 'test/cart.test.ts',
        line: 7,
      },
    ]);
    assert.deepEqual(
      on.server.asked.filter(({ path }) => path.endsWith('/artifacts')).map(({ query }) => query.get('name')),
      ['shop-build-reports'],
    );
    assert.equal(on.server.stored[0]?.headers.authorization, undefined);
  });

  it('are what its steps noted at lines, but not what GitHub notes itself', async () => {
    await on.open({
      pageSize: 1,
      annotations: () => [
        { path: 'src/cart.ts', start_line: 3, start_column: 5, message: 'no total\nmore' },
        { path: 'src/pay.ts', start_line: 9, annotation_level: 'warning', message: '', title: 'Deprecated' },
        { path: 'src/pay.ts', start_line: 9, annotation_level: 'notice', message: 'by the way' },
        { path: null, start_line: null, message: 'nowhere' },
      ],
    });
    fail();
    assert.deepEqual(await problems(), [
      { severity: 'error', message: 'no total', source: 'github', file: 'src/cart.ts', line: 3, column: 5 },
      { severity: 'warning', message: 'Deprecated', source: 'github', file: 'src/pay.ts', line: 9 },
    ]);
  });

  it('are those of the reports alone where the token may not read checks', async () => {
    fail();
    on.run.job('build').report = report('adds up');
    on.server.fault = ({ path }) =>
      path.includes('/check-runs/') ? { reply: { status: 403, body: { message: 'Resource not accessible' } } } : undefined;
    assert.equal(((await problems()) as unknown[]).length, 1);
  });

  it('of an earlier attempt are none of this one', async () => {
    await on.open({ jobMore: (job) => (job.attempt === 2 ? { started_at: new Date(Date.now() + 60_000).toISOString() } : {}) });
    fail();
    on.run.job('build').report = report('adds up');
    on.run.rerunFailed();
    on.run.job('build').start().end('failed');
    assert.deepEqual(await problems(), []);
  });

  it('are read from the XML files alone', async () => {
    const archive = zipSync({
      'a/one.xml': Buffer.from(report('one')),
      'page.html': Buffer.from(report('two')),
      'two.XML': Buffer.from(report('three')),
    });
    await on.open({ archive: () => Buffer.from(archive) });
    fail();
    assert.equal(((await problems()) as unknown[]).length, 2);
  });

  it('come also where the connection breaks in the middle of the archive', async () => {
    let count = 0;
    await on.open();
    on.server.storageFault = () => (count++ === 0 ? { cut: 50 } : undefined);
    fail();
    on.run.job('build').report = report('adds up');
    assert.equal(((await problems()) as unknown[]).length, 1);
    assert.equal(on.server.stored[1]?.headers.range, 'bytes=50-');
  });

  for (const [what, archive, told] of [
    ['broken', (): Buffer => Buffer.from('no archive'), /the reports of build cannot be read: the archive is broken/],
    ['larger than it may be', (): Buffer => Buffer.from(zipSync({ 'bomb.xml': new Uint8Array(21 << 20) })), /one is larger than 20 MB/],
  ] as const)
    it(`are none of an archive that is ${what}, and it is said`, async () => {
      await on.open({ archive });
      fail();
      const run = await on.read();
      assert.match(failureOf(await on.engine.problems(run, jobOf(run, 'build'), never)).message, told);
    });
});

describe('deployments of GitHub', () => {
  const on = new OnGithub();
  const deployed = (environment: string, state: 'success' | 'failure' | 'in_progress' | 'inactive', url = '', minute = 0): void => {
    const createdAt = new Date(Date.UTC(2026, 10, 24, 10, minute));
    const id = String(100 + on.runs.deployments.length);
    on.runs.deployments.unshift({ id, environment, commit, ref: 'main', by: 'ada', createdAt, state, url });
  };
  const tell = async (deployment: DeploymentRecord): Promise<CiResult<void>> => {
    const answer = await on.engine.reportDeployment?.(deployment, never);
    assert.ok(answer);
    return answer;
  };
  const read = async (): Promise<readonly RemoteDeployment[]> => valueOf(await on.engine.deployments(never));

  it('are the newest of each environment', async () => {
    deployed('staging', 'inactive', 'https://old.example', 1);
    deployed('staging', 'success', 'https://staging.example', 2);
    deployed('production', 'failure', '', 3);
    deployed('preview', 'in_progress', '', 4);
    deployed('gone', 'inactive', '', 5);
    const all = await read();
    assert.deepEqual(
      all.map(({ environment, state }) => [environment, state]),
      [
        ['gone', 'gone'],
        ['preview', 'going on'],
        ['production', 'failed'],
        ['staging', 'live'],
      ],
    );
    assert.deepEqual(all.at(-1), {
      environment: 'staging',
      state: 'live',
      url: 'https://staging.example',
      commit,
      ref: 'main',
      by: 'ada',
      deployedAt: '2026-11-24T10:02:00.000Z',
      page: `${on.server.url}/acme/shop/actions/runs/1/job/2`,
    });
    assert.equal(on.paths().filter((path) => path.endsWith('/statuses')).length, 4);
  });

  it('have an address only where it is one of the web', async () => {
    deployed('staging', 'success', 'javascript:alert(1)');
    assert.equal((await read())[0]?.url, '');
  });

  it('without a status are going on; with one that is unknown, or deleted meanwhile, they are not told', async () => {
    deployed('staging', 'success');
    const answering = (reply: object): void => {
      on.server.fault = ({ path }) => (path.endsWith('/statuses') ? { reply } : undefined);
    };
    answering({ body: [] });
    assert.equal((await read())[0]?.state, 'going on');
    answering({ body: [{ state: 'splendid' }] });
    assert.deepEqual(await read(), []);
    answering({ status: 404, body: {} });
    assert.deepEqual(await read(), []);
  });

  it('that were made elsewhere are told, and ended again', async () => {
    const told = { environment: 'staging', commit, url: 'http://127.0.0.1:4000', state: 'live', subject: 'Cart adds up' } as const;
    valueOf(await tell(told));
    assert.deepEqual(on.server.asked[0]?.body, {
      ref: commit,
      environment: 'staging',
      auto_merge: false,
      required_contexts: [],
      description: 'Cart adds up',
    });
    const [live] = await read();
    assert.deepEqual([live?.state, live?.url, live?.commit], ['live', 'http://127.0.0.1:4000', commit]);
    valueOf(await tell({ ...told, state: 'gone' }));
    assert.equal(on.runs.deployments.length, 1);
    assert.equal((await read())[0]?.state, 'gone');
    valueOf(await tell({ ...told, state: 'failed', url: '' }));
    assert.deepEqual(on.server.answers.told, [
      { state: 'success', environment_url: 'http://127.0.0.1:4000', auto_inactive: true },
      { state: 'inactive' },
      { state: 'failure' },
    ]);
  });

  for (const [status, said] of [
    [409, 'Conflict merging main'],
    [422, 'No ref found for: ccc'],
  ] as const)
    it(`are not taken where GitHub says ${status}`, async () => {
      on.server.fault = () => ({ reply: { status, body: { message: said } } });
      const { message, hint } = failureOf(await tell({ environment: 'staging', commit, url: '', state: 'live', subject: '' }));
      assert.match(message, /does not take the deployment of ccccccc/);
      assert.ok(message.endsWith(said));
      assert.equal(hint, 'is it pushed?');
    });
});
