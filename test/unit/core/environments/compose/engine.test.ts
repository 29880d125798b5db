import * as assert from 'node:assert/strict';
import { ProgramFinder } from '../../../../../src/core/environments/compose/engine';

describe('the programs of a compose environment', () => {
  const { signal } = new AbortController();
  let installed: string[];
  let calls: string[];

  function thisMachine(): ProgramFinder {
    return new ProgramFinder(
      () => async (program, args) => {
        calls.push([program, ...args].join(' '));
        return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
      },
      (program) => installed.includes(program),
    );
  }

  beforeEach(() => {
    installed = [];
    calls = [];
  });

  it('are searched only until they are found', async () => {
    const programs = thisMachine();
    const none = await programs.find(signal);
    assert.ok(!none.ok && none.failure.message.startsWith('docker compose, podman compose or docker-compose is required'));
    installed = ['podman'];
    for (let time = 0; time < 2; time++) {
      const found = await programs.find(signal);
      assert.ok(found.ok && found.value.engine === 'podman');
    }
    assert.deepEqual(calls, ['podman compose version']);
  });

  it('are not shared between finders', async () => {
    installed = ['docker'];
    assert.ok((await thisMachine().find(signal)).ok);
    installed = ['podman'];
    const other = await thisMachine().find(signal);
    assert.ok(other.ok && other.value.engine === 'podman');
  });
});
