import assert from 'node:assert/strict';
import { isProcess } from '../../../../src/core/environments/process/descriptor';
import { parsePipeline } from '../../../../src/core/pipeline/parse';

/** The errors as an editor lists them. */
function errorsOf(text: string): string[] {
  return parsePipeline(text, 'delivery.yaml').errors.map((error) => {
    assert.equal(error.kind, 'usage');
    assert.equal(error.path, 'delivery.yaml');
    return `${error.line}:${error.column} ${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`;
  });
}

const whole = `service: shop
steps:
  install:
    run: npm ci
    inputs: [package.json, package-lock.json]
    outputs: [node_modules/**]
  test:
    needs: install
    run: npm test
    env: {NODE_ENV: test, VERSION: 1.10, DEBUG: true}
    secrets: [NPM_TOKEN]
    reports: [reports/*.xml]
    problems: [tsc, {pattern: {regexp: 'x', file: 1}}]
    timeout: 5m
    retries: 1
  stage:
    needs: [test]
    deploy: staging
  acceptance:
    needs: stage
    run: npm run acceptance
    verifies: staging
environments:
  staging:
    process:
      command: node dist/server.js
      env: {WORKERS: 2}
      health: {path: /healthz, timeout: 300ms}
  near: {compose: {file: compose.yaml, service: web, port: 80}}
  own: {command: {deploy: ./deploy.sh, rollback: ./back.sh}}
  production:
    kubernetes: {context: prod, namespace: shop, manifests: k8s/, workload: deployment/shop}
release: production
feedback:
  sources:
    - file: feedback.jsonl
    - http: https://example.com/feedback
    - sentry: {organization: acme, project: shop}
    - github: {labels: [customer]}
    - gitlab: {project: acme/shop}
  components:
    cart: [src/cart/**]
    search: src/search/
  paths: {/usr/src/app: .}
`;

describe('a valid delivery.yaml', () => {
  it('becomes a pipeline with its defaults filled in', () => {
    const { pipeline, errors } = parsePipeline(whole, 'delivery.yaml');
    assert.deepEqual(errors, []);
    assert.ok(pipeline);
    assert.equal(pipeline.service, 'shop');
    assert.deepEqual(
      pipeline.steps.map((step) => [step.name, step.needs]),
      [
        ['install', []],
        ['test', ['install']],
        ['stage', ['test']],
        ['acceptance', ['stage']],
      ],
    );
    const [install, test, stage, acceptance] = pipeline.steps;
    assert.deepEqual(install, {
      name: 'install',
      needs: [],
      run: 'npm ci',
      inputs: ['package.json', 'package-lock.json'],
      outputs: ['node_modules/**'],
      env: {},
      secrets: [],
      reports: [],
      retries: 0,
    });
    assert.equal(test?.timeoutMs, 300_000);
    assert.equal(test.retries, 1);
    assert.deepEqual(test.problems, ['tsc', { pattern: { regexp: 'x', file: 1 } }]);
    assert.equal(stage?.deploy, 'staging');
    assert.equal(acceptance?.verifies, 'staging');
    assert.deepEqual(pipeline.environments['staging'], {
      kind: 'process',
      watchMs: 60_000,
      settings: {
        command: 'node dist/server.js',
        env: { WORKERS: '2' },
        health: { probe: { http: '/healthz' }, timeoutMs: 300 },
        drainMs: 60_000,
        shutdownMs: 30_000,
      },
    });
    assert.equal(pipeline.environments['production']?.kind, 'kubernetes');
    assert.equal(pipeline.release, 'production');
    assert.deepEqual(pipeline.feedback?.sources, [
      { kind: 'file', settings: 'feedback.jsonl' },
      { kind: 'http', settings: { url: 'https://example.com/feedback', itemKind: 'comment', fields: {} } },
      { kind: 'sentry', settings: { organization: 'acme', project: 'shop' } },
      { kind: 'github', settings: { labels: ['customer'] } },
      { kind: 'gitlab', settings: { project: 'acme/shop', labels: [] } },
    ]);
    assert.deepEqual(pipeline.feedback.components, { cart: ['src/cart/**'], search: ['src/search/'] });
    assert.deepEqual(pipeline.feedback.paths, { '/usr/src/app': '.' });
  });

  it('is the same after it was kept as JSON', () => {
    const { pipeline } = parsePipeline(whole, 'delivery.yaml');
    assert.deepEqual(JSON.parse(JSON.stringify(pipeline)), pipeline);
  });

  it('keeps the values of variables as they are written', () => {
    const test = parsePipeline(whole, 'delivery.yaml').pipeline?.steps[1];
    assert.deepEqual(test?.env, { NODE_ENV: 'test', VERSION: '1.10', DEBUG: 'true' });
  });

  it('keeps the order of steps whose names are numbers', () => {
    const { pipeline } = parsePipeline("service: a\nsteps:\n  z: {run: x}\n  '2': {run: x}\n  '1': {run: x}\n", 'd');
    assert.deepEqual(
      pipeline?.steps.map((step) => step.name),
      ['z', '2', '1'],
    );
  });

  it('counts a release as healthy when its port answers, within 30 s, unless it says otherwise', () => {
    const health = (text: string): unknown => {
      const { pipeline } = parsePipeline(`service: a\nsteps: {a: {run: x}}\nenvironments: {s: {process: {command: x${text}}}}`, 'd');
      const environment = pipeline?.environments['s'];
      return environment && isProcess(environment) ? environment.settings.health : undefined;
    };
    assert.deepEqual(health(''), { probe: { tcp: true }, timeoutMs: 30_000 });
    assert.deepEqual(health(', health: {command: ./up.sh, timeout: 1h}'), { probe: { command: './up.sh' }, timeoutMs: 3_600_000 });
    assert.deepEqual(health(', health: {tcp: true}'), { probe: { tcp: true }, timeoutMs: 30_000 });
  });

  it('may have a byte order mark, CRLF line ends, anchors and comments', () => {
    const text = '\uFEFF# shop\r\nservice: shop\r\nsteps:\r\n  a: &step\r\n    run: x\r\n  b: *step\r\n';
    const { pipeline, errors } = parsePipeline(text, 'd');
    assert.deepEqual(errors, []);
    assert.deepEqual(
      pipeline?.steps.map((step) => step.run),
      ['x', 'x'],
    );
  });
});

describe('the errors of a delivery.yaml', () => {
  it('are reported all together, each at its place', () => {
    const text = `service: 12
step: 1
steps:
  a: {needs: b, run: x, deploy: stagin}
  b: {needs: [a, tets], run: 'x', inputs: src/**, timout: 5m, timeout: 5}
  test: {run: x, needs: {a: 1}, timeout: 5x, retries: 40}
  'bad name': {run: x}
  f:
environments:
  staging: {process: {command: x, health: {path: x, tcp: true}}}
  k: {kubernetes: {context: prod}}
release: production
`;
    assert.deepEqual(errorsOf(text), [
      '1:10 `service` is text, not a number (put it in quotes: "12")',
      '2:1 unknown key `step` (did you mean `steps`?)',
      '4:3 a step has either `run` or `deploy`',
      '4:33 there is no environment stagin (did you mean staging?)',
      '5:15 the steps wait for each other: a -> b -> a (remove one of these needs)',
      '5:18 there is no step tets (did you mean test?)',
      '5:43 `inputs` is a list, not text (write it as a list: [src/**])',
      '5:51 unknown key `timout` in step b (did you mean `timeout`?)',
      '5:72 `timeout` is text, not a number (write it with a unit: 5s)',
      '6:25 `needs` is text or a list, not a mapping',
      '6:42 `timeout`: a duration is a whole number with a unit, like 300ms, 30s, 5m or 1h',
      '6:55 `retries` is at most 10',
      '7:3 `bad name` is not a valid name: a name holds up to 100 letters, digits, `_`, `.` and `-`, and starts with a letter or a digit',
      '8:3 `f` is a mapping, not empty',
      '10:35 health has one of `path`, `tcp` and `command`',
      '10:50 `path`: a path of the service starts with /',
      '11:7 `workload` is missing in environment k',
      '11:7 kubernetes has either `manifests` or `chart`',
      '12:10 there is no environment production (the environments are staging, k)',
    ]);
  });

  const step = (keys: string): string => `service: a\nsteps: {a: {run: x, ${keys}}}\n`;

  for (const glob of ['/etc/*', '../x', 'a/../b', 'a/..', 'C:/x', '..', '!../x', '{..,a}/x', '~/x', '\\\\server']) {
    it(`names a glob outside the folder: ${glob}`, () => {
      const [error, ...more] = errorsOf(step(`inputs: ['${glob}']`));
      assert.match(error ?? '', /^2:30 an entry of `inputs`: a path stays inside the folder/);
      assert.deepEqual(more, []);
    });
  }

  for (const glob of ['src/**', 'a..b/*', './src', '!src/x', '...', '.hidden/..x', '{a,b}/*.ts', 'with space/*']) {
    it(`accepts a glob inside the folder: ${glob}`, () => assert.deepEqual(errorsOf(step(`inputs: ['${glob}']`)), []));
  }

  for (const [duration, valid] of Object.entries({
    '300ms': true,
    '30s': true,
    '5m': true,
    '1h': true,
    '0s': false,
    '-1s': false,
    '1d': false,
    '1.5h': false,
    '99999h': false,
  })) {
    it(`${valid ? 'accepts' : 'refuses'} the duration ${duration}`, () => {
      assert.equal(errorsOf(step(`timeout: ${duration}`)).length, valid ? 0 : 1);
    });
  }

  it('name a step that needs itself, and each cycle once', () => {
    assert.deepEqual(
      errorsOf('service: a\nsteps:\n  a: {needs: a, run: x}\n  b: {needs: [c, d], run: x}\n  c: {needs: b, run: x}\n  d: {run: x}\n'),
      [
        '3:14 step a needs itself (remove one of these needs)',
        '5:14 the steps wait for each other: b -> c -> b (remove one of these needs)',
      ],
    );
  });

  const verifying = (steps: string): string[] => errorsOf(`service: a\nsteps:\n${steps}environments: {staging: {process: {command: x}}}\n`);

  it('name a step that verifies what nothing has deployed before it', () => {
    assert.deepEqual(verifying('  v: {run: x, verifies: staging}\n'), [
      '3:25 step v verifies staging, and nothing that it needs deploys staging (add a step with `deploy: staging`, and name it in `needs`)',
    ]);
    assert.deepEqual(verifying('  v: {run: x, verifies: staging}\n  s: {deploy: staging}\n'), [
      '3:25 step v verifies staging, and nothing that it needs deploys staging (add s to its `needs`)',
    ]);
    assert.deepEqual(verifying('  v: {run: x, verifies: staging, needs: m}\n  m: {run: x, needs: s}\n  s: {deploy: staging}\n'), []);
  });

  it('name `verifies` on a step that deploys', () => {
    assert.match(verifying('  s: {deploy: staging, verifies: staging}\n').join('\n'), /`verifies` goes with `run`/);
  });

  it('name steps whose logs would be one file on some machines', () => {
    assert.deepEqual(errorsOf('service: a\nsteps:\n  Test: {run: x}\n  test: {run: x}\n'), ['4:3 steps Test and test differ only in case']);
  });

  it('name a key that is there twice', () => {
    assert.deepEqual(errorsOf('service: a\nsteps:\n  a: {run: x}\n  a: {run: y}\n'), ['4:3 `a` is here twice']);
  });

  it('name missing steps and an empty file', () => {
    assert.deepEqual(errorsOf('service: a\n'), ['1:1 `steps` is missing']);
    assert.deepEqual(errorsOf('service: a\nsteps: {}\n'), ['2:1 `steps` holds no step']);
    for (const empty of ['', '\n\n', '# nothing\n', '---\n', 'null\n', '\uFEFF']) {
      assert.deepEqual(
        errorsOf(empty).map((error) => error.replace(/^\d+:\d+ /, '')),
        ['the file is empty (deliver init writes a first one)'],
      );
    }
    assert.deepEqual(errorsOf('- a\n'), ['1:1 the file is a mapping, not a list']);
  });

  it('show broken YAML at its place', () => {
    assert.match(errorsOf('service: a\nsteps:\n\ta:\n').join('\n'), /^3:1 tabs are not allowed as indentation \(indent with spaces\)/);
    assert.match(errorsOf('service: "a\nsteps: x\n').join('\n'), /missing closing "quote/);
    assert.match(errorsOf('service: a\n---\nservice: b\n').join('\n'), /^2:1 the file holds a second document/);
    assert.deepEqual(errorsOf('[a, b]: 1\n'), ['1:1 a key is a plain word']);
    assert.match(errorsOf('service: *name\n').join('\n'), /^1:10 the aliases of the file cannot be followed/);
  });

  it('name a prototype key like any other', () => {
    assert.match(errorsOf('service: a\nsteps: {a: {run: x}}\n__proto__: {release: x}\n').join('\n'), /^3:1 unknown key `__proto__`/);
    assert.match(errorsOf('service: a\nsteps: {a: {run: x, needs: constructor}}\n').join('\n'), /there is no step constructor/);
  });
});
