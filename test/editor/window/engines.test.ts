import * as assert from 'node:assert/strict';
import { RemoteProject, type EngineKind } from '../../support/ci/remote-project';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';

const steps = { build: { run: 'make' }, test: { run: 'make test', needs: 'build' }, publish: { run: 'make publish', needs: 'test' } };

describe('a run on a CI service', function () {
  this.timeout(240_000);
  let session: Session;
  let window: Window;
  let remote: RemoteProject;
  let label = '';

  async function open(kind: EngineKind): Promise<void> {
    label = kind === 'gitlab' ? 'GitLab CI/CD' : 'GitHub Actions';
    session = await Session.start();
    remote = await RemoteProject.start(session.folder, kind, steps);
    window = await session.openDeliveries(remote.project.root);
  }

  afterEach(async function () {
    await session.end(this.currentTest);
    await remote.stop();
  });

  async function signIn(): Promise<void> {
    await window.row('Pipeline', `${label}: `).click();
    const input = window.page.locator('.quick-input-widget input[type=password]');
    await input.fill(remote.server.token);
    await input.press('Enter');
    await eventually(async () => assert.match((await window.notifications()).join('\n'), /acme\/shop: signed in as/));
  }

  function change(to: string): void {
    remote.project.write('src/cart.js', `export const cart = [];\n\nexport function total() {\n  return ${to};\n}\n`);
  }

  it('shows its steps and output after sign-in, and opens the line of a failure', async () => {
    await open('gitlab');
    await window.row('Pipeline', `${label}: `).waitFor();
    await window.screenshot('engine-sign-in');
    await signIn();
    await window.screenshot('engine-signed-in');

    change('2');
    const started = remote.server.runs.next();
    await window.row('Pipeline', 'Service shop').click();
    await window.clickRowButton('Pipeline', 'Service shop', 'Deliver');
    const run = await started;
    run.job('build').start().print('compiling the shop\n');
    await window.row('Pipeline', 'Step build, running').waitFor();
    await window.runCommand('Deliver: Show Output');
    await eventually(async () => assert.match((await window.outputLines()).join('\n'), /compiling the shop/));
    await window.screenshot('engine-running');
    run.job('build').end('passed');
    run.job('test').start().print('/builds/acme/shop/src/cart.js:4:10: error: total is 2, not 1\n').end('failed');
    const problem = window.row('Pipeline', 'error, total is 2, not 1');
    await problem.waitFor();
    await window.row('Pipeline', 'Service shop, failed').waitFor();
    await window.pressInNotification(/test failed: total is 2, not 1/, 'Go to Failure');
    await window.cursorIsAt('cart.js', 4);
    await window.problemsAre(/total is 2, not 1/);
    await session.screenshots(window, 'engine-failed');

    change('1');
    const second = remote.server.runs.next();
    await window.clickRowButton('Pipeline', 'Service shop', 'Deliver');
    (await second).pass();
    await window.row('Pipeline', 'Service shop, passed').waitFor();
    assert.deepEqual(remote.branches(), ['main']);
  });

  it('appears if another person started it, and shows when the CI service is not reachable', async () => {
    await open('github');
    const theirs = remote.server.runs.begin({ branch: 'main', event: 'push', by: 'grace', subject: 'A change of hers' });
    theirs.job('build').start();
    remote.server.runs.deployments.push({
      ...{ id: '77', environment: 'production', commit: theirs.commit, ref: 'main', by: 'grace' },
      ...{ createdAt: new Date(), state: 'success', url: 'https://shop.example.com' },
    });
    await signIn();
    await window.row('Pipeline', 'Service shop, running, on GitHub by grace · A change of hers').waitFor();
    await window.row('Pipeline', 'Step build, running').waitFor();
    remote.server.fault = () => ({ reply: { status: 503, body: 'maintenance' } });
    await window.row('Pipeline', `${label}: `).waitFor({ timeout: 90_000 });
    await window.row('Pipeline', 'Step build, running, was running').waitFor();
    await window.screenshot('engine-away');
    remote.server.fault = undefined;
    theirs.job('build').print('built\n').end('passed');
    theirs.job('test').approval = 'production';
    await window.row('Pipeline', 'Step build, passed').waitFor({ timeout: 90_000 });
    await window.row('Environments', 'Environment production of acme/shop').waitFor();
    await window.row('Pipeline', 'Step test, waiting').waitFor();
    await window.screenshot('engine-approval');
    await window.clickRowButton('Pipeline', 'Step test, waiting', 'Approve');
    assert.match(await window.answerDialog('Approve'), /Approve the deployment of shop to production\?/);
    await eventually(async () => assert.equal(theirs.job('test').approval, undefined));
    theirs.pass();
    await window.row('Pipeline', 'Service shop, passed').waitFor();
    assert.deepEqual(
      (await window.notifications()).filter((text) => !text.includes('signed in')),
      [],
    );
  });

  it('starts on the selected CI service after its missing pipeline is written', async () => {
    await open('gitlab');
    await signIn();
    remote.project.git('rm', '-q', '.gitlab-ci.yml');
    await window.chooseFromMenu('Pipeline', 'Service shop', 'Run On…');
    await window.picks(/This machine/);
    await window.screenshot('engine-run-on');
    const started = remote.server.runs.next();
    await window.pick('GitLab CI/CD');
    assert.match(await window.answerDialog('Write and Run'), /Write the pipeline for GitLab CI\/CD\?[^]*\.gitlab-ci\.yml/);
    const run = await started;
    assert.ok(remote.files(run.commit).includes('.gitlab-ci.yml'));
    run.job('build').start();
    await window.row('Pipeline', 'Step build, running').waitFor();

    // A revoked token is requested again. The run continues, and its end is reported.
    remote.server.fault = () => ({ reply: { status: 401, body: { message: '401 Unauthorized' } } });
    const unavailable = /shop is still running on GitLab CI\/CD, but its status is unavailable: .* does not accept the token \(401\)/;
    await eventually(async () => assert.match((await window.notifications()).join('\n'), unavailable));
    await window.screenshot('engine-token-rejected');
    run.job('build').end('passed');
    run.job('test').start().print('src/cart.js:4:10: error: total is 2, not 1\n').end('failed');
    remote.server.fault = undefined;
    await window.pressInNotification(unavailable, 'Sign In');
    const input = window.page.locator('.quick-input-widget input[type=password]');
    await input.fill(remote.server.token);
    await input.press('Enter');
    await window.row('Pipeline', 'error, total is 2, not 1').waitFor();
    await eventually(async () => assert.match((await window.notifications()).join('\n'), /test failed: total is 2, not 1/));
  });
});
