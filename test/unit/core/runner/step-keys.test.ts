import * as assert from 'node:assert/strict';
import type { Pipeline, Step } from '../../../../src/core/model/pipeline';
import { stepKeys, type TreeFile, unmatchedInputs } from '../../../../src/core/runner/cache';
import { basesOf, matcher } from '../../../../src/core/support/globs';

const step = (name: string, more: Partial<Step> = {}): Step => ({
  name,
  needs: [],
  run: `make ${name}`,
  inputs: ['**'],
  outputs: [],
  env: {},
  secrets: [],
  reports: [],
  retries: 0,
  ...more,
});
const pipeline = (...steps: Step[]): Pipeline => ({ service: 'shop', steps, environments: {} });
const file = (path: string, id = 'a', mode = '100644'): TreeFile => ({ path, id, mode });
const keyOf = (one: Step, tree: readonly TreeFile[] = [], folder = ''): string | undefined =>
  stepKeys(pipeline(one), folder, tree).get(one.name);

describe('the key of a step', () => {
  const tree = [file('src/a.ts'), file('README.md')];

  it('is the same for the same command and inputs', () => {
    assert.equal(keyOf(step('build'), tree), keyOf(step('build'), [...tree]));
    assert.match(keyOf(step('build'), tree) ?? '', /^[0-9a-f]{64}$/);
  });

  const changes: Record<string, [Step, TreeFile[], string?]> = {
    'an input’s content': [step('build'), [file('src/a.ts', 'b'), file('README.md')]],
    'an input’s name': [step('build'), [file('src/b.ts'), file('README.md')]],
    'an input’s mode': [step('build'), [file('src/a.ts', 'a', '100755'), file('README.md')]],
    'an input that is gone': [step('build'), [file('README.md')]],
    'a new input': [step('build'), [...tree, file('new')]],
    'the command': [step('build', { run: 'make other' }), tree],
    'its environment': [step('build', { env: { A: '1' } }), tree],
    'its outputs': [step('build', { outputs: ['dist/**'] }), tree],
    'the secrets it asks for': [step('build', { secrets: ['TOKEN'] }), tree],
    'the service’s folder': [step('build'), tree, 'web'],
  };
  for (const [what, [other, files, folder]] of Object.entries(changes)) {
    it(`changes with ${what}`, () => assert.notEqual(keyOf(other, files, folder), keyOf(step('build'), tree)));
  }

  it('does not change with what is no input', () => {
    const build = step('build', { inputs: ['src/**', '!src/**/*.md'] });
    const before = keyOf(build, [file('src/a.ts')]);
    assert.equal(keyOf(build, [file('README.md'), file('src/a.ts'), file('src/doc/x.md')]), before);
    assert.equal(keyOf({ ...build, timeoutMs: 1, retries: 2, reports: ['x'] }, [file('src/a.ts')]), before);
  });

  it('changes with a need’s key', () => {
    const key = (id: string): string | undefined =>
      stepKeys(pipeline(step('install', { inputs: ['lock'] }), step('build', { needs: ['install'], inputs: ['src/**'] })), '', [
        file('lock', id),
        file('src/a.ts'),
      ]).get('build');
    assert.notEqual(key('a'), key('b'));
  });

  it('does not depend on the order of the steps in the file', () => {
    const [install, build] = [step('install'), step('build', { needs: ['install'] })];
    assert.equal(stepKeys(pipeline(build, install), '', tree).get('build'), stepKeys(pipeline(install, build), '', tree).get('build'));
  });

  it('changes with the commit of a submodule that may hold inputs, and of no other', () => {
    const key = (inputs: string[], id: string): string | undefined => keyOf(step('build', { inputs }), [file('libs/x', id, '160000')]);
    for (const inputs of [['libs/x/src/**'], ['libs/x'], ['**/*.c'], ['libs/*/a.c'], ['libs'], ['.']])
      assert.notEqual(key(inputs, 'a'), key(inputs, 'b'), inputs.join());
    for (const inputs of [['src/**'], ['libs/xy/**'], ['libs/y']]) assert.equal(key(inputs, 'a'), key(inputs, 'b'), inputs.join());
  });

  it('is absent where a pass says nothing for the next time', () => {
    const { inputs, ...always } = step('always');
    assert.ok(inputs);
    const { run, ...deploys } = step('stage', { deploy: 'staging' });
    assert.ok(run);
    const keys = stepKeys(
      pipeline(always, deploys, step('verify', { verifies: 'staging' }), step('after', { needs: ['always'] }), step('build')),
      '',
      tree,
    );
    assert.deepEqual([...keys.keys()], ['build']);
  });
});

describe('the key of a step and the environment', () => {
  const keyIn = (run: string, env: NodeJS.ProcessEnv, more: Partial<Step> = {}): string | undefined =>
    stepKeys(pipeline(step('build', { run, ...more })), '', [], env).get('build');
  const commands = [
    'make $API_URL',
    'make "${API_URL:-none}"',
    'make ${#API_URL}',
    'make %API_URL%',
    'make $env:API_URL',
    'node -e "process.env.API_URL"',
    'printenv API_URL',
  ];
  for (const run of commands) {
    it(`includes a variable that the command names: ${run}`, () => {
      const keys = [{}, { API_URL: 'a' }, { API_URL: 'b' }].map((env) => keyIn(run, env));
      assert.equal(new Set(keys).size, 3);
    });
  }

  it('includes variables of any name that programs in the command read', () => {
    for (const [run, name] of [
      ['node -e "process.env.X"', 'X'],
      ['python3 -c "import os; os.environ[\'api_url\']"', 'api_url'],
      ['printenv http_proxy', 'http_proxy'],
    ] as const)
      assert.notEqual(keyIn(run, { [name]: 'a' }), keyIn(run, { [name]: 'b' }), run);
  });

  it('includes a variable that env lists without a value', () => {
    const keys = [{}, { api: 'a' }, { api: 'b' }].map((env) => keyIn('make', env, { inherits: ['api'] }));
    assert.equal(new Set(keys).size, 3);
  });

  it('includes no other variable, none that env sets and none that the shell sets', () => {
    assert.equal(keyIn('make $HOME', { OTHER: 'a' }), keyIn('make $HOME', { OTHER: 'b' }));
    assert.equal(keyIn('make $A', { A: 'a' }, { env: { A: '1' } }), keyIn('make $A', { A: 'b' }, { env: { A: '1' } }));
    assert.equal(keyIn('cd $PWD', { PWD: 'a' }), keyIn('cd $PWD', { PWD: 'b' }));
  });
});

describe('the inputs that match nothing', () => {
  const tree = [file('src/a.ts'), file('docs/b.md'), file('libs/x', 'a', '160000')];
  const unmatched = (...inputs: string[]): string[] => unmatchedInputs({ inputs }, tree);

  it('are named one by one', () => {
    assert.deepEqual(unmatched('src/**', 'scr/**', 'doc/*.json'), ['scr/**', 'doc/*.json']);
    assert.deepEqual(unmatched('src/**', '!nothing'), []);
    assert.deepEqual(unmatched('!src/**'), ['!src/**']);
    assert.deepEqual(unmatched(), []);
  });

  it('are all of them if the exclusions leave nothing', () => {
    assert.deepEqual(unmatched('src/**', '!src'), ['src/**']);
  });

  it('are none that a submodule may contain', () => {
    assert.deepEqual(unmatched('libs/x/src/**', 'lib/**'), ['lib/**']);
  });
});

describe('globs', () => {
  const matches = (globs: string[], ...paths: string[]): string[] => paths.filter(matcher(globs));

  it('match names that begin with a dot', () => {
    assert.deepEqual(matches(['**'], '.env', 'a/.b/c', 'd'), ['.env', 'a/.b/c', 'd']);
  });

  it('without a wildcard stand for a file or a folder', () => {
    assert.deepEqual(matches(['dist'], 'dist', 'dist/a/b', 'distant', 'x/dist'), ['dist', 'dist/a/b']);
    assert.deepEqual(matches(['./dist/'], 'dist/a'), ['dist/a']);
    assert.deepEqual(matches(['a/../dist'], 'dist/a', 'a/x'), ['dist/a']);
    assert.deepEqual(matches(['.'], 'a', 'b/c'), ['a', 'b/c']);
  });

  it('that begin with ! take away', () => {
    assert.deepEqual(matches(['src/**', '!src/**/*.test.ts', '!./src/gen'], 'src/a.ts', 'src/a.test.ts', 'src/gen/b.ts'), ['src/a.ts']);
    assert.deepEqual(matches(['!src'], 'src/a', 'b'), []);
    assert.deepEqual(matches([], 'a'), []);
  });

  it('match folders whose names look like patterns, also escaped', () => {
    const pages = ['app/[id]/page.tsx', 'app/(shop)/page.tsx', 'app/[...all]/x'];
    assert.deepEqual(matches(['app/[id]/**', 'app/(shop)', 'app/[...all]/*'], ...pages), pages);
    assert.deepEqual(matches(['app/\\[id\\]/**'], ...pages), ['app/[id]/page.tsx']);
    assert.deepEqual(matches(['src/[ab].ts'], 'src/a.ts', 'src/c.ts'), ['src/a.ts']);
  });

  it('match names of any kind', () => {
    const names = ['with space', 'Größe', '日本語/x', 'line\nbreak', 'quo\'te"s', '@scope/x'];
    assert.deepEqual(matches(['**'], ...names), names);
    for (const name of names) assert.deepEqual(matches([name], name), [name]);
  });

  it('have bases that hold all they match, each walked once', () => {
    assert.deepEqual(basesOf(['dist/**', 'dist/sub/x', './packages/*/dist', '!other/**']), ['dist', 'packages']);
    assert.deepEqual(basesOf(['**/*.js', 'dist']), ['']);
    assert.deepEqual(basesOf(['.']), ['']);
    assert.deepEqual(basesOf(['app/[id]/**']), ['app']);
    assert.deepEqual(basesOf(['dist', 'distant']), ['dist', 'distant']);
  });
});
