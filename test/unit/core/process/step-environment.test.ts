import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import type { Pipeline, Step } from '../../../../src/core/model/pipeline';
import { sharedEnvironment, stepEnvironment } from '../../../../src/core/process/step-environment';

const step = (more: Partial<Step> = {}): Step => ({
  name: 'build',
  needs: [],
  run: 'make',
  outputs: [],
  env: {},
  secrets: [],
  reports: [],
  retries: 0,
  ...more,
});
const around = {
  service: 'shop',
  commit: 'c0ffee',
  slot: path.resolve('/slot/repo'),
  folder: path.resolve('/slot/repo/web'),
  repository: path.resolve('/home/me/repo'),
};
const join = (...entries: string[]): string => entries.map((entry) => path.resolve(entry)).join(path.delimiter);

function environment(base: NodeJS.ProcessEnv, one = step(), others: Step[] = [], extra = {}): Record<string, string> {
  const pipeline: Pipeline = { service: 'shop', steps: [one, ...others], environments: {} };
  return stepEnvironment(sharedEnvironment(base, pipeline, around), one, base, extra);
}

describe('the environment of a step', () => {
  it('has the variables of the user and of the delivery', () => {
    const env = environment({ HOME: '/home/me', LANG: 'de' });
    assert.equal(env['HOME'], '/home/me');
    assert.equal(env['CI'], 'true');
    assert.equal(env['DELIVERY_SERVICE'], 'shop');
    assert.equal(env['DELIVERY_COMMIT'], 'c0ffee');
    assert.equal(environment({ CI: '' })['CI'], '');
  });

  it('lacks the variables of the editor, git and package managers', () => {
    const foreign = {
      ELECTRON_RUN_AS_NODE: '1',
      VSCODE_PID: '1',
      GIT_DIR: '/x',
      npm_lifecycle_event: 'test',
      INIT_CWD: '/x',
      DELIVER_RUN: 'x',
    };
    const env = environment({ ...foreign, GIT_SSH_COMMAND: 'ssh -v' });
    for (const name of Object.keys(foreign)) assert.equal(env[name], undefined, name);
    assert.equal(env['GIT_SSH_COMMAND'], 'ssh -v');
  });

  it('has the secrets of the step and no others', () => {
    const base = { TOKEN: 'a', OTHER: 'b' };
    const env = environment(base, step({ secrets: ['TOKEN'] }), [step({ name: 'other', secrets: ['OTHER'] })]);
    assert.equal(env['TOKEN'], 'a');
    assert.equal('OTHER' in env, false);
  });

  it('finds the programs of the slot first, and never those of the working copy', () => {
    const env = environment({ PATH: join('/home/me/repo/node_modules/.bin', '/usr/bin') });
    assert.equal(env['PATH'], join('/slot/repo/web/node_modules/.bin', '/slot/repo/node_modules/.bin', '/usr/bin'));
  });

  it('has the variables of the step last', () => {
    assert.equal(environment({ A: '1' }, step({ env: { A: '2', DELIVERY_URL: 'mine' } }), [], { DELIVERY_URL: 'x' })['A'], '2');
  });
});
