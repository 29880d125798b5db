import assert from 'node:assert/strict';
import { RepositoryHome } from '../../../../src/core/support/home';
import { Journal } from '../../../../src/core/history/journal';
import { currentIdentity } from '../../../../src/core/process/process-identity';
import { RunHistory } from '../../../../src/editor/pipeline/run-history';
import { eventually, temporaryFolder } from '../../../support/temporary';
import { changeOf, runner, steps } from '../runs';

describe('RunHistory', () => {
  const folder = temporaryFolder();
  let home: RepositoryHome;
  let history: RunHistory;

  beforeEach(() => {
    home = new RepositoryHome(folder.path, '/home/ada/shop/.git');
    history = new RunHistory(home);
  });
  afterEach(() => history.dispose());

  function startRun(id: string, by = currentIdentity()): Journal {
    const journal = new Journal(home.run(id), id);
    journal.append({
      type: 'run-started',
      service: 'shop',
      change: changeOf('Add a cart'),
      steps,
      runner: by,
      slot: '',
      folder: '',
      repository: '',
    });
    return journal;
  }

  it('follows a run of another process', async () => {
    history.start();
    assert.deepEqual(history.runs, []);
    const journal = startRun('20261123T100000000-aaaa');
    await eventually('the run is read', () => history.runs[0]?.outcome === 'running');
    journal.append({ type: 'step-started', step: 'build', attempt: 1 });
    await eventually('its step is read', () => history.runs[0]?.steps[0]?.state === 'running');
    journal.append({ type: 'run-finished', outcome: 'passed' });
    await eventually('its end is read', () => history.runs[0]?.outcome === 'passed');
    journal.close();
  });

  it('finds running runs when it starts, newest first', () => {
    startRun('20261123T100000000-aaaa').close();
    startRun('20261123T110000000-bbbb').close();
    history.start();
    assert.deepEqual(
      history.runs.map((run) => [run.id, run.outcome]),
      [
        ['20261123T110000000-bbbb', 'running'],
        ['20261123T100000000-aaaa', 'running'],
      ],
    );
  });

  it('shows a run as interrupted if its runner is gone', () => {
    startRun('20261123T100000000-aaaa', { ...runner, pid: process.pid }).close();
    history.start();
    assert.equal(history.runs[0]?.outcome, 'interrupted');
  });
});
