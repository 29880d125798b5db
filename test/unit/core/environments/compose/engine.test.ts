import * as assert from 'node:assert/strict';
import { ProgramFinder } from '../../../../../src/core/environments/compose/engine';

describe('the programs of an environment of containers', () => {
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

  it('are looked for until they are found, and then no more', async () => {
    const programs = thisMachine();
    const none = await programs.find(signal);
    assert.ok(!none.ok && none.failure.message.startsWith('there is no docker compose'));
    installed = ['podman'];
    for (let time = 0; time < 2; time++) {
      const found = await programs.find(signal);
      assert.ok(found.ok && found.value.engine === 'podman');
    }
    assert.deepEqual(calls, ['podman compose version']);
  });

  it('are those of whoever looks: nobody else is told of them', async () => {
    installed = ['docker'];
    assert.ok((await thisMachine().find(signal)).ok);
    installed = ['podman'];
    const other = await thisMachine().find(signal);
    assert.ok(other.ok && other.value.engine === 'podman');
  });
});
