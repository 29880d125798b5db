import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

const top = path.resolve(__dirname, '..', '..', '..', '..');
const source = (...names: string[]): string => path.join(top, 'src', ...names);

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs TypeScript in a process in which `test/support/made-up-kinds.ts` is registered. */
async function run(cwd: string, home: string, ...args: string[]): Promise<Ended> {
  const preloads = [require.resolve('tsx'), path.join(top, 'test', 'support', 'made-up-kinds.ts')];
  const imports = preloads.flatMap((file) => ['--import', pathToFileURL(file).href]);
  const options = { cwd, env: { ...process.env, DELIVER_HOME: home, NODE_OPTIONS: '' } };
  return new Promise((resolve) => {
    execFile(process.execPath, [...imports, ...args], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: `${stdout}${stderr}` }),
    );
  });
}

describe('a kind that only its descriptor and a line in its registry define', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let shop: Project;

  const definition = `service: shop
steps:
  hello: {run: echo hello}
engine: abacus
environments:
  air: {balloon: {height: 5m}}
feedback:
  sources: [{parrot: Polly}]
`;
  const deliver = async (...args: string[]): Promise<Ended> => run(shop.root, shop.home, source('cli.ts'), ...args);

  beforeEach(() => {
    shop = new Project(folder.path).write('delivery.yaml', definition);
  });

  it('is accepted by the parser', async () => {
    assert.deepEqual(JSON.parse((await deliver('check', '--json')).output), { errors: [], handovers: [], drift: [] });
  });

  it('brings its own rules into the parser, and is in the messages that list the kinds', async () => {
    shop.write('delivery.yaml', definition.replace('5m', 'high').replace('engine: abacus', 'engine: {}').replace('{parrot: Polly}', '{}'));
    const { code, output } = await deliver('check');
    assert.equal(code, 2);
    assert.match(output, /an engine is one of `github`, `gitlab`, `jenkins` and `abacus`/);
    assert.match(output, /`height`: a duration is a whole number with a unit/);
    assert.match(output, /a source is one of `file`, `http`, `sentry`, `github`, `gitlab` and `parrot`/);
  });

  it('is accepted by the JSON schema', async () => {
    const { output } = await run(shop.root, shop.home, path.join(top, 'test', 'support', 'print-schema.ts'));
    const validate = new Ajv({ strict: false }).compile(JSON.parse(output) as object);
    assert.ok(validate(parse(definition)), JSON.stringify(validate.errors));
    assert.ok(validate(parse(definition.replace('abacus', '{abacus: {frame: big}}'))), JSON.stringify(validate.errors));
    for (const wrong of [definition.replace('5m', 'high'), definition.replace('abacus', 'calculator'), definition.replace('Polly', '1')])
      assert.equal(validate(parse(wrong)), false, wrong);
  });

  it('is a choice of the command line', async () => {
    assert.match((await deliver('run', '--engine', 'calculator')).output, /choices are local, github, gitlab, jenkins, abacus/);
    assert.match((await deliver('engine', 'calculator')).output, /choices are github, gitlab, jenkins, abacus/);
    assert.match((await deliver('export', 'calculator')).output, /github, gitlab, jenkins, abacus/);
  });

  it('exports pipelines, finds manual approvals and brings feedback', async () => {
    assert.match((await deliver('export', 'abacus', '--dry-run')).output, /would write shop\.abacus/);
    shop.write('ci/old.abacus', 'wait');
    assert.match((await deliver('check')).output, /ci\/old\.abacus:1: the abacus waits/);
    shop.commit();
    assert.match((await deliver('feedback')).output, /Polly says hello/);
  });
});
