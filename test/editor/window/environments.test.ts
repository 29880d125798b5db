import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { Project } from '../../support/project';
import { ScriptedHost, scriptedServer } from '../../support/scripted-host';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';

describe('the Environments view', function () {
  this.timeout(180_000);
  let session: Session;
  let window: Window;
  let shop: Project;
  let place: ScriptedHost;

  beforeEach(async () => {
    session = await Session.start();
    shop = new Project(session.folder);
    place = new ScriptedHost(path.join(session.folder, 'place'), shop);
    shop.steps({ stage: { deploy: 'staging' } }, { environments: { staging: { ...place.definition(), watch: '1h' } } });
    say('one');
    window = await session.openDeliveries(shop.root);
  });
  afterEach(async function () {
    place.close();
    await session.end(this.currentTest);
  });

  function say(text: string): void {
    shop.write('server.js', scriptedServer(text)).commit(`Say ${text}`);
  }

  async function deliver(end: string): Promise<void> {
    await window.row('Pipeline', 'Service shop').waitFor();
    await window.clickTitleButton('Pipeline', 'Deliver');
    await window.row('Pipeline', `Service shop, ${end}`).waitFor();
  }

  it('shows the release that scripts deployed, its divergence from the branch and its log', async () => {
    await deliver('passed · just now · Say one');
    await window.row('Environments', 'shop in staging, healthy, Say one').waitFor();
    say('two');
    say('three');
    await eventually(async () => assert.match((await window.treeRows('Environments')).join('\n'), /2 changes behind/));
    await window.screenshot('environments-behind');
    await window.chooseFromMenu('Environments', 'shop in staging', 'Open Log');
    await eventually(async () => assert.match((await window.editorLines()).join('\n'), /it says one/));
  });

  it('opens delivery metrics in a read-only document', async () => {
    for (const text of ['one', 'two', 'three']) {
      say(text);
      await deliver(`passed · just now · Say ${text}`);
    }
    await window.runCommand('Deliver: Show Delivery Metrics');
    await eventually(async () => {
      const text = (await window.editorLines()).join('\n');
      assert.match(text, /shop in staging/);
      assert.match(text, /change fail rate +0 % +0 of 3 deployments were rolled back or failed/);
      assert.match(text, /from the journals of this machine \(3\)/);
    });
    await window.screenshot('metrics');
    say('four');
    await deliver('passed · just now · Say four');
    await window.runCommand('Deliver: Show Delivery Metrics');
    await eventually(async () => assert.match((await window.editorLines()).join('\n'), /0 of 4 deployments/));
  });

  it('shows the automatic rollback of a release that fails soon after it went live, and a notification', async () => {
    await deliver('passed · just now · Say one');
    say('two');
    await deliver('passed · just now · Say two');
    place.crash();
    await window.row('Environments', 'shop in staging, healthy, Say one').waitFor();
    await window.row('Pipeline', 'Service shop, failed · just now · Say two').waitFor();
    await window.statusBarSays(/not releasable/);
    const reports = (await window.notifications()).filter((text) => /shop was rolled back in staging/.test(text));
    assert.equal(reports.length, 1);
    assert.match(reports[0] ?? '', /no server runs.*Live again: Say one/);
    await session.screenshots(window, 'rolled-back');
  });

  it('shows which environment is not reachable', async () => {
    const kubernetes = { context: 'deliver-tests-nowhere', manifests: 'k8s/', workload: 'deployment/shop' };
    const environments = { staging: place.definition(), production: { kubernetes } };
    shop.steps({ stage: { deploy: 'staging' } }, { environments }).commit('Name production');
    await window.row('Environments', 'Environment production, not reachable').waitFor();
    await window.screenshot('environments-away');
    await window.narrow();
    await window.screenshot('environments-away-narrow');
  });

  it('shows in the status bar that a live service became unhealthy', async () => {
    await deliver('passed · just now · Say one');
    await window.row('Environments', 'shop in staging, healthy, Say one').waitFor();
    place.crash();
    await window.statusBarSays(/shop is unhealthy in staging/);
    await window.row('Environments', 'shop in staging, unhealthy').waitFor();
    await window.screenshot('environments-unhealthy');
  });
});
