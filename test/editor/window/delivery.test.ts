import assert from 'node:assert/strict';
import * as path from 'node:path';
import type { Window } from '../host/window';
import { ServiceRepository } from './repository';
import { Session } from './session';
import { eventually } from './eventually';

describe('a delivery', function () {
  this.timeout(180_000);
  let session: Session;
  let repository: ServiceRepository;
  let window: Window;

  beforeEach(async () => {
    session = await Session.start();
    repository = ServiceRepository.create(path.join(session.folder, 'hello'));
    window = await session.openDeliveries(repository.folder);
  });
  afterEach(async function () {
    await session.end(this.currentTest);
  });

  async function deliver(): Promise<void> {
    await window.row('Pipeline', 'Service hello').waitFor();
    await window.clickTitleButton('Pipeline', 'Deliver');
    await window.row('Pipeline', 'Step build, running').waitFor();
  }

  async function delivered(inWindow: Window): Promise<void> {
    await inWindow.row('Pipeline', 'Service hello, passed').waitFor();
    await inWindow.row('Pipeline', 'Step acceptance, passed').waitFor();
    await inWindow.row('Environments', 'hello in staging, healthy').waitFor();
  }

  it('brings a service live after one click', async () => {
    await window.row('Pipeline', 'Service hello, not delivered yet').waitFor();
    await window.screenshot('before');
    await deliver();
    await window.statusBarSays(/hello: build/);
    await window.screenshot('running');
    repository.openGate();
    await delivered(window);
    await window.statusBarSays(/releasable/);
    const [service] = session.liveServices();
    assert.ok(service, 'the command line shows no live service');
    assert.equal(await (await fetch(service.url)).text(), 'hello from the release');
    await session.screenshots(window, 'delivered');
    await window.narrow();
    await window.screenshot('delivered-narrow');
  });

  it('shows the failed step and its output', async () => {
    await deliver();
    repository.openGate(1);
    await window.row('Pipeline', 'Step build, failed').waitFor();
    await window.row('Pipeline', 'Step stage, skipped').waitFor();
    await window.statusBarSays(/not releasable/);
    await window.row('Pipeline', 'Step build, failed').click();
    await eventually(async () => assert.match((await window.editorLines()).join('\n'), /hello is not defined/));
    await session.screenshots(window, 'failed');
  });

  it('ends its processes when it is cancelled', async () => {
    await deliver();
    assert.equal(repository.isBuilding(), true);
    await window.runCommand('Deliver: Cancel Delivery');
    await window.row('Pipeline', 'Step build, cancelled').waitFor();
    assert.equal(repository.isBuilding(), false);
    await window.screenshot('cancelled');
  });

  it('continues while the window reloads', async () => {
    await deliver();
    await window.reload();
    await window.row('Pipeline', 'Step build, running').waitFor();
    assert.equal(repository.isBuilding(), true);
    repository.openGate();
    await delivered(window);
  });

  it('appears in every window of the folder', async () => {
    const second = await session.openDeliveries(repository.folder);
    await deliver();
    await second.row('Pipeline', 'Step build, running').waitFor();
    repository.openGate();
    await delivered(second);
    await delivered(window);
    assert.deepEqual(await second.treeNames('Pipeline'), await window.treeNames('Pipeline'));
  });
});
