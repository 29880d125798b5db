import * as assert from 'node:assert/strict';
import { commit, OnGitlab } from '../../../../support/ci/on-gitlab';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';

for (const ranges of [true, false])
  describe(`a log on GitLab ${ranges ? 'in ranges' : 'without ranges'}`, () => {
    const on = new OnGitlab();

    beforeEach(async () => on.open({ ranges }));

    it('continues at its offset while the job is running', async () => {
      const test = on.runs.begin().job('build').start().print('one\n');
      const first = await on.log(await on.job('build'));
      assert.deepEqual([first.text, valueOf(first.end)], ['one\n', { isWhole: false }]);
      const none = await on.log(await on.job('build'), 4);
      assert.deepEqual([none.text, valueOf(none.end)], ['', { isWhole: false }]);
      test.print('two\n');
      assert.equal((await on.log(await on.job('build'), 4)).text, 'two\n');
      test.end('passed');
      const last = await on.log(await on.job('build'), 8);
      assert.deepEqual([last.text, valueOf(last.end)], ['', { isWhole: true }]);
    });

    it('is complete after a broken connection, without losing or repeating a byte', async () => {
      const whole = Array.from({ length: 2000 }, (_, index) => `line ${index} ä\n`).join('');
      on.runs.begin().job('build').start().print(whole).end('passed');
      const of = await on.job('build');
      on.server.fault = ({ path }) => (path.endsWith('/trace') ? { cut: 10_001 } : undefined);
      const first = await on.log(of);
      assert.equal(failureOf(first.end).reason, 'offline');
      on.server.fault = undefined;
      const run = await on.read();
      const rest: Buffer[] = [];
      const had = Buffer.from(whole).subarray(0, 10_001);
      assert.deepEqual(valueOf(await on.client.readLog(run, of, had.length, (bytes) => rest.push(bytes), never)), { isWhole: true });
      assert.equal(Buffer.concat([had, ...rest]).toString(), whole);
    });
  });

describe('GitLab', () => {
  const on = new OnGitlab();

  it('removes the times and sections of the runner from a log in parts', async () => {
    await on.open({ runnerMarks: true });
    const test = on.runs.begin().job('build').start().print('one\n');
    const plain = on.client.plain();
    const parts: Buffer[] = [];
    let at = 0;
    const more = async (): Promise<string> => {
      const end = await on.client.readLog(
        await on.read(),
        await on.job('build'),
        at,
        (bytes) => ((at += bytes.length), parts.push(plain.push(bytes))),
        never,
      );
      valueOf(end);
      return Buffer.concat(parts).toString();
    };
    assert.equal(await more(), 'Running with gitlab-runner 18.5.0\n\x1b[36;1mExecuting "step_script"\x1b[0;m\none');
    test.print('two ä\n');
    assert.match(await more(), /\none\ntwo ä$/);
    test.end('passed');
    await more();
    parts.push(plain.flush());
    assert.match(Buffer.concat(parts).toString(), /\ntwo ä\n\x1b\[32;1mJob succeeded\x1b\[0;m\n$/);
  });

  it('reports an erased log', async () => {
    const build = on.runs.begin().job('build').start().print('one\n').end('passed');
    const before = await on.job('build');
    on.server.api.erased.add(build.id);
    const failure = failureOf((await on.log(before)).end);
    assert.deepEqual([failure.gone, failure.message], [true, 'the log of build was erased']);
    const after = await on.job('build');
    assert.deepEqual([after.hasLog, after.reason], [false, 'its log was erased']);
  });

  it('reports a denied log', async () => {
    on.runs.begin().job('build').start().print('one\n');
    on.reply(/\/trace$/, { status: 403, body: { message: '403 Forbidden' } });
    assert.equal(failureOf((await on.log(await on.job('build'))).end).reason, 'token');
  });

  it('reports failing tests', async () => {
    const test = on.runs.begin().job('build').start();
    test.report = `<testsuite name="cart"><testcase name="adds" classname="test/cart.test.ts" file="test/cart.test.ts"/>
      <testcase name="removes" classname="Cart"><failure message="lost">Error: expected 2 to be 3
    at Cart.remove (/builds/acme/shop/src/cart.ts:12:7)</failure></testcase>
      <testcase name="empties" classname="test/cart.test.ts"><error message="no cart" type="TypeError"/></testcase></testsuite>`;
    test.end('failed');
    const [found, other, ...more] = valueOf(await on.client.problems(await on.read(), await on.job('build'), never));
    assert.deepEqual(more, []);
    assert.deepEqual([found?.severity, found?.message], ['error', 'Cart › removes: Error: expected 2 to be 3']);
    assert.deepEqual([other?.message, other?.file], ['empties: no cart', 'test/cart.test.ts']);
    assert.deepEqual(found?.frames?.[0], { file: '/builds/acme/shop/src/cart.ts', line: 12, column: 7 });
    assert.deepEqual(valueOf(await on.client.problems(await on.read(), await on.job('test'), never)), []);
  });

  it('ignores an invalid test report', async () => {
    on.runs.begin().job('build').start().end('failed');
    const strange = [
      null,
      'x',
      { name: 'build' },
      { name: 'build', test_cases: [null, { status: 'failed' }, { status: 'error', system_output: { message: 'm' } }] },
    ];
    on.reply(/test_report$/, { body: { test_suites: strange } });
    const found = valueOf(await on.client.problems(await on.read(), await on.job('build'), never));
    assert.deepEqual(
      found.map(({ message }) => message),
      ['a test', 'a test: m'],
    );
  });
});

describe('deployments on GitLab', () => {
  const on = new OnGitlab();

  it('are read for each environment, with their authors', async () => {
    const createdAt = new Date('2026-11-24T12:00:00Z');
    const url = 'https://staging.example.com';
    on.runs.deployments.push({ id: '5', environment: 'staging', commit, ref: 'main', by: 'ada', createdAt, state: 'success', url });
    assert.deepEqual(valueOf(await on.client.deployments(never)), [
      {
        environment: 'staging',
        state: 'live',
        url,
        commit,
        ref: 'main',
        deployedAt: createdAt.toISOString(),
        by: 'ada',
        page: `${on.server.url}/acme/shop/-/jobs/1`,
      },
    ]);
  });

  it('have web addresses only', async () => {
    const facts = { id: '5', commit, ref: 'main', by: 'ada', createdAt: new Date(), state: 'success' as const };
    on.runs.deployments.push({ ...facts, environment: 'staging', url: 'javascript:alert(1)' });
    assert.equal(valueOf(await on.client.deployments(never))[0]?.url, '');
  });

  it('exclude environments without deployments', async () => {
    on.reply(/\/environments$/, { body: [{ id: 99, name: 'gone' }] });
    assert.deepEqual(valueOf(await on.client.deployments(never)), []);
  });

  it('can be recorded', async () => {
    const deployment = { environment: 'production', commit, url: 'https://shop.example.com', state: 'live', subject: 'x' } as const;
    valueOf(await on.client.reportDeployment?.(deployment, never));
    valueOf(await on.client.reportDeployment?.({ ...deployment, url: 'https://new.example.com' }, never));
    valueOf(await on.client.reportDeployment?.({ ...deployment, url: 'https://broken.example.com', state: 'failed' }, never));
    valueOf(await on.client.reportDeployment?.({ ...deployment, url: 'https://new.example.com', state: 'gone' }, never));
    const written = on.server.asked
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path, body }) => [method, path.split('/').slice(5).join('/'), body]);
    const told = { environment: 'production', sha: commit, ref: 'main', tag: false };
    assert.deepEqual(written, [
      ['POST', 'environments', { name: 'production', external_url: 'https://shop.example.com' }],
      ['POST', 'deployments', { ...told, status: 'success' }],
      ['PUT', 'environments/1', { external_url: 'https://new.example.com' }],
      ['POST', 'deployments', { ...told, status: 'success' }],
      ['POST', 'deployments', { ...told, status: 'failed' }],
      ['PUT', 'deployments/2', { status: 'canceled' }],
    ]);
  });

  it('can be ended after a rollback', async () => {
    const first = { environment: 'production', commit, url: 'https://shop.example.com', state: 'live', subject: 'x' } as const;
    const second = { ...first, commit: 'b'.repeat(40) };
    const live = async (): Promise<unknown> => valueOf(await on.client.deployments(never)).map((one) => one.commit);
    for (const one of [first, second, { ...second, state: 'gone' as const }]) valueOf(await on.client.reportDeployment?.(one, never));
    assert.deepEqual(await live(), [first.commit]);
    // A deployment that was never recorded as live can still be ended.
    valueOf(await on.client.reportDeployment?.({ ...first, commit: 'c'.repeat(40), state: 'gone' }, never));
    assert.deepEqual(await live(), [first.commit]);
  });
});
