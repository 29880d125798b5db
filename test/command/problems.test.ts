import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { ProblemNow } from '../../src/core/location/problems-now';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

describe('deliver problems', () => {
  const folder = temporaryFolder();
  const project = (): Project => new Project(folder.path);
  const lines = (n: number): string => Array.from({ length: n }, (_, i) => `line ${i + 1} of the file\n`).join('');
  const problems = async (delivery: Project): Promise<ProblemNow[]> => {
    const { code, stdout } = await delivery.deliver('problems', '--json');
    assert.equal(code, 0);
    return JSON.parse(stdout) as ProblemNow[];
  };
  const failing = (line: string): Project =>
    project()
      .write('src/cart.ts', lines(20))
      .steps({ test: `echo '${line}'; exit 1` })
      .commit();

  it('tells what failed and where, in the shape that others rely on', async () => {
    const delivery = failing('src/cart.ts(12,5): error TS2322: wrong');
    assert.equal((await delivery.deliver('run')).code, 1);
    assert.deepEqual(await problems(delivery), [
      {
        step: 'test',
        severity: 'error',
        message: 'wrong (TS2322)',
        source: 'tsc',
        logLine: 1,
        path: 'src/cart.ts',
        line: 12,
        column: 5,
        confidence: 'exact',
        delivered: { path: 'src/cart.ts', line: 12 },
      },
    ]);
    const { stdout } = await delivery.deliver('problems');
    assert.equal(stdout, 'test\n  src/cart.ts:12:5 error: wrong (TS2322)\n');
  });

  it('names the line as it is now: after edits, in a file that was moved, or as gone', async () => {
    const delivery = failing('src/cart.ts(12,5): error TS2322: wrong');
    await delivery.deliver('run');
    const at = async (): Promise<unknown> => {
      const [{ path, line, confidence } = {} as ProblemNow] = await problems(delivery);
      return [path, line, confidence];
    };
    delivery.write('src/cart.ts', `new\nnew\n${lines(20)}`);
    assert.deepEqual(await at(), ['src/cart.ts', 14, 'exact']);
    execFileSync('git', ['mv', 'src/cart.ts', 'src/basket.ts'], { cwd: delivery.root });
    assert.deepEqual(await at(), ['src/basket.ts', 14, 'exact']);
    delivery.write('src/basket.ts', lines(20).replace('line 12 of the file\n', ''));
    assert.deepEqual(await at(), ['src/basket.ts', undefined, 'file']);
  });

  it('tells what the machine did, with what to do', async () => {
    const delivery = project().steps({ gone: 'no-such-tool --flag' }).commit();
    const run = await delivery.deliver('run');
    assert.match(run.stdout, /gone failed .* the command no-such-tool was not found: check its spelling/);
    assert.deepEqual(
      (await problems(delivery)).map(({ path, source }) => [path, source]),
      [[undefined, 'deliver']],
    );
  });

  it('tells of a step that asked a person, who is not there', async () => {
    const delivery = project().steps({ ask: 'python3 -c "input()"' }).commit();
    const run = await delivery.deliver('run');
    const reason = 'a Python program asked for a line of input, and a delivery has no terminal to answer from';
    assert.equal(run.code, 1);
    assert.match(run.stdout, new RegExp(`ask failed .* — ${reason}: give it what it asks for as an argument or in \`env\``));
    const [first] = await problems(delivery);
    assert.equal(first?.source, 'deliver');
    assert.ok(first.message.startsWith(reason));
  });

  it('finds what a step’s own matcher describes, and names one that is wrong before anything runs', async () => {
    const pattern = { regexp: '^(\\S+)@(\\d+) (.*)$', file: 1, line: 2, message: 3 };
    const delivery = project()
      .write('a.x', 'one\ntwo\n')
      .steps({ test: { run: 'echo a.x@2 odd; exit 1', problems: [{ pattern }] } })
      .commit();
    await delivery.deliver('run');
    assert.deepEqual(
      (await problems(delivery)).map(({ path, line, message }) => [path, line, message]),
      [['a.x', 2, 'odd']],
    );
    delivery.steps({ test: { run: 'true', problems: ['tcs', { pattern: { regexp: '(' } }] } }).commit();
    const refused = await delivery.deliver('run');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /there is no problem matcher tcs.*did you mean tsc/s);
    assert.match(refused.stderr, /this is no regular expression/);
  });

  it('keeps the warnings of a step that is not run again', async () => {
    const delivery = project()
      .write('a.c', 'int x;\n')
      .steps({ build: { run: "echo 'a.c:1:5: warning: unused'", inputs: ['a.c'] } })
      .commit();
    await delivery.deliver('run');
    assert.match((await delivery.deliver('run')).stdout, /cached/);
    assert.deepEqual(
      (await problems(delivery)).map(({ path, severity }) => [path, severity]),
      [['a.c', 'warning']],
    );
  });

  it('keeps the warnings of a step that a resumed run takes over', async () => {
    const delivery = project()
      .write('a.c', 'int x;\n')
      .steps({ build: "echo 'a.c:1:5: warning: unused'", test: { needs: 'build', run: 'test -e ../../let-it-pass' } })
      .commit();
    assert.equal((await delivery.deliver('run')).code, 1);
    const { run } = await delivery.json<{ run: { id: string } }>('status');
    const resumed = await delivery.deliver('run', '--resume', run.id);
    assert.match(resumed.stdout, /build cached/);
    assert.deepEqual(
      (await problems(delivery)).filter(({ step }) => step === 'build').map(({ path, severity }) => [path, severity]),
      [['a.c', 'warning']],
    );
  });

  it('looks at the last attempt alone', async () => {
    const delivery = project()
      .write('a.c', 'int x;\n')
      .steps({
        flaky: { run: 'if [ -e seen ]; then exit 0; fi; touch seen; echo "a.c:1:5: warning: only at first"; exit 1', retries: 1 },
      })
      .commit();
    await delivery.deliver('run');
    assert.deepEqual(await problems(delivery), []);
  });

  it('shows no secret that a tool prints with a problem', async () => {
    const delivery = project()
      .write('a.c', 'int x;\n')
      .steps({ test: { run: 'echo "a.c:1:5: error: token $TOKEN"; exit 1', secrets: ['TOKEN'] } })
      .commit();
    await delivery.start(['run'], { TOKEN: 'hunter2-hunter2' }).ended;
    assert.deepEqual(
      (await problems(delivery)).map(({ message }) => message),
      ['token ***'],
    );
  });

  it('says that a failure has no place', async () => {
    const delivery = project().steps({ java: 'echo oops; exit 1', other: 'true' }).commit();
    const run = await delivery.deliver('run');
    assert.match(run.stdout, /^ {2}java failed; its log names no place$/m);
    assert.equal((await delivery.deliver('problems')).stdout, 'java failed; its log names no place: deliver log java\n');
    assert.deepEqual(await problems(delivery), []);
  });

  it('reads only the reports that the last attempt wrote', async () => {
    const report = (name: string): string => `<testsuite><testcase name="${name}"><failure message="no"/></testcase></testsuite>`;
    const delivery = project()
      .write('.gitignore', 'out\n')
      .write('reports/tracked.xml', report('tracked'))
      .write('tool.sh', `[ -e out/r.xml ] && exit 1; mkdir out; echo '${report('old')}' > out/r.xml; exit 1\n`)
      .steps({ test: { run: 'sh tool.sh', reports: ['out/*.xml', 'reports/*.xml'] } })
      .commit();
    const messages = async (): Promise<string[]> => (await problems(delivery)).map(({ message }) => message);
    await delivery.deliver('run');
    assert.deepEqual(await messages(), ['old: no']);
    await delivery.deliver('run');
    assert.deepEqual(await messages(), []);
  });

  it('links no file that only may be the one that the tool printed', async () => {
    const delivery = project()
      .write('src/a.c', lines(20))
      .write('lib/src/a.c', lines(20))
      .write('out.txt', 'src/a.c:7:5: error: wrong\n')
      .steps({ test: 'cat out.txt; exit 1' })
      .commit();
    await delivery.deliver('run');
    assert.deepEqual(
      (await problems(delivery)).map(({ path, printed }) => [path, printed]),
      [[undefined, 'src/a.c:7:5']],
    );
  });

  it('says that there are none', async () => {
    const delivery = project().steps({ test: 'true' }).commit();
    await delivery.deliver('run');
    assert.deepEqual(await problems(delivery), []);
    assert.match((await delivery.deliver('problems')).stdout, /has no problems/);
  });
});
