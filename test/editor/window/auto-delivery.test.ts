import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { readRun } from '../../../src/core/history/runs';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { ServiceRepository } from './repository';
import { Session } from './session';

describe('automatic delivery of every commit', function () {
  this.timeout(180_000);
  let session: Session;
  let repository: ServiceRepository;
  let window: Window;

  beforeEach(async () => {
    session = await Session.start();
    repository = ServiceRepository.create(path.join(session.folder, 'hello'));
    session.set({ 'deliver.deliverOn': 'commit' });
    window = await session.openDeliveries(repository.folder);
    await window.row('Pipeline', 'Service hello, not delivered yet').waitFor();
    await window.statusBarSays(/Delivers every commit/);
  });
  afterEach(async function () {
    await session.end(this.currentTest);
  });

  function write(name: string, text: string): void {
    fs.writeFileSync(path.join(repository.folder, name), text);
  }

  function commit(subject: string, name = 'notes.txt'): string {
    write(name, `${subject}\n`);
    repository.git('add', '.');
    repository.git('commit', '--quiet', '--message', subject);
    return repository.git('rev-parse', 'HEAD');
  }

  /** Returns the delivered commits with their outcomes, oldest first. */
  function runs(): string[] {
    return session
      .runs()
      .sort()
      .flatMap((folder) => readRun(folder) ?? [])
      .map(({ change, outcome }) => `${change.subject}: ${outcome}`);
  }

  async function runsAre(...expected: string[]): Promise<void> {
    await eventually(async () => Promise.resolve(assert.deepEqual(runs(), expected)));
  }

  it('delivers a commit that was made outside the editor, without a notification', async () => {
    repository.openGate();
    const delivered = commit('Say it louder');
    await window.row('Pipeline', 'Service hello, passed').waitFor();
    await window.row('Environments', 'hello in staging, healthy').waitFor();
    await window.statusBarSays(/releasable/);
    await runsAre('Say it louder: passed');
    assert.equal(repository.git('rev-parse', 'HEAD'), delivered);
    await window.screenshot('every-commit-passed');
    assert.deepEqual(await window.notifications(), []);
  });

  it('reports a failure once, with buttons', async () => {
    repository.openGate(1);
    commit('Say nothing');
    await window.row('Pipeline', 'Step build, failed').waitFor();
    assert.deepEqual(await window.notificationButtons(/hello: build failed/), ['Go to Failure', 'Open Log', 'Run Again']);
    assert.equal((await window.notifications()).length, 1);
    await runsAre('Say nothing: failed');
  });

  it('delivers from one of two windows, and only the newest waiting commit', async () => {
    const second = await session.open(repository.folder);
    await second.statusBarSays(/Delivers every commit/);
    commit('First');
    await window.row('Pipeline', 'Step build, running').waitFor();
    commit('Second');
    await runsAre('First: running', 'Second: waiting');
    await window.row('Pipeline', 'Waiting run: Second').waitFor();
    await window.screenshot('every-commit-waiting');
    commit('Third');
    await runsAre('First: running', 'Second: superseded', 'Third: waiting');
    repository.openGate();
    await runsAre('First: passed', 'Second: superseded', 'Third: passed');
    await window.row('Pipeline', 'Service hello, passed').waitFor();
    assert.deepEqual(await window.notifications(), []);
  });

  it('waits for a missing secret and prompts for it once', async () => {
    repository.openGate();
    const definition = fs.readFileSync(path.join(repository.folder, 'delivery.yaml'), 'utf8');
    write('delivery.yaml', definition.replace('    run: node build.js\n', '    run: node build.js\n    secrets: [GREETING]\n'));
    commit('Declare a secret');
    await window.statusBarSays(/[0-9a-f]{7} is waiting/);
    commit('Continue');
    await window.statusBarSays(new RegExp(`${repository.git('rev-parse', 'HEAD').slice(0, 7)} is waiting`));
    assert.deepEqual(await window.notifications(), ['hello: automatic delivery is paused, because the secret GREETING is not set.']);
    assert.deepEqual(runs(), []);
    await window.pressInNotification(/GREETING is not set/, 'Set Secret');
    await window.page.locator('.quick-input-widget input[type=password]').fill('hello-hello');
    await window.page.keyboard.press('Enter');
    await runsAre('Continue: passed');
  });

  it('waits until a rebase ends', async () => {
    repository.openGate();
    repository.git('checkout', '--quiet', '-b', 'mine');
    commit('Mine');
    await runsAre('Mine: passed');
    repository.git('checkout', '--quiet', 'main');
    commit('Theirs');
    await runsAre('Mine: passed', 'Theirs: passed');
    repository.git('checkout', '--quiet', 'mine');
    assert.throws(() => repository.git('rebase', 'main'));
    commit('Mine on theirs');
    await window.statusBarSays(/[0-9a-f]{7} is waiting/);
    await window.view('Changes').getByText('a rebase is in progress').first().waitFor();
    await window.screenshot('every-commit-rebase');
    assert.deepEqual(runs(), ['Mine: passed', 'Theirs: passed']);
    repository.git('-c', 'core.editor=true', 'rebase', '--continue');
    await runsAre('Mine: passed', 'Theirs: passed', 'Mine on theirs: passed');
  });
});
