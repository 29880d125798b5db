import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Status } from '../../src/core/model/run-status';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

describe('the command line', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const project = (): Project => new Project(folder.path);

  it('explains each command', async () => {
    const shop = project();
    const overview = await shop.deliver('--help');
    assert.equal(overview.code, 0);
    const shown = [
      'init',
      'check',
      'run',
      'status',
      'log',
      'cancel',
      'follow',
      'engine',
      'approve',
      'environment',
      'rollback',
      'export',
      'step',
    ];
    for (const command of shown) {
      assert.match(overview.stdout, new RegExp(`^  ${command}`, 'm'));
      const { code, stdout } = await shop.deliver(command, '--help');
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Usage: deliver ${command}`));
    }
    assert.match((await shop.deliver('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('refuses what it does not know, and says what it does', async () => {
    const { code, stderr } = await project().deliver('delivr');
    assert.equal(code, 2);
    assert.match(stderr, /unknown command 'delivr'/);
    const engine = await project().deliver('engine', 'githb');
    assert.equal(engine.code, 2);
    assert.match(engine.stderr, /'githb' is invalid for argument 'engine'\. Allowed choices are github, gitlab, jenkins/);
    assert.equal((await new Project(folder.path, 'other').deliver('run', '--jobs', 'many')).code, 2);
  });

  it('names every error of a delivery.yaml with its line and column', async () => {
    const shop = project().write('delivery.yaml', 'service: shop\nsteps:\n  test:\n    rum: npm test\n    timeout: soon\n').commit();
    for (const command of ['check', 'run']) {
      const { code, stderr } = await shop.deliver(command);
      assert.equal(code, 2);
      assert.match(stderr, /delivery\.yaml:4:5: .*rum/);
      assert.match(stderr, /delivery\.yaml:5:\d+: .*timeout|delivery\.yaml:5:\d+: .*soon/);
    }
  });

  it('says what is missing where nothing can be delivered', async () => {
    const shop = project();
    const none = await shop.deliver('run');
    assert.deepEqual([none.code, /delivery\.yaml/.test(none.stderr), /deliver init/.test(none.stderr)], [2, true, true]);
    fs.rmSync(path.join(shop.root, '.git'), { recursive: true });
    const noGit = await shop.deliver('run');
    assert.notEqual(noGit.code, 0);
    assert.match(noGit.stderr, /git/);
  });

  it('has nothing to tell before the first delivery', async () => {
    const shop = project().steps({ test: 'true' }).commit();
    const { code, stderr } = await shop.deliver('status');
    assert.equal(code, 2);
    assert.match(stderr, /deliver run/);
    assert.deepEqual(await shop.json('environment'), []);
    assert.equal((await shop.deliver('cancel')).stdout, 'no delivery is running\n');
  });

  it('delivers the service that is named or that one stands in', async () => {
    const shop = project();
    for (const name of ['cart', 'orders']) shop.write(`${name}/delivery.yaml`, `service: ${name}\nsteps:\n  show:\n    run: pwd\n`);
    shop.commit();
    const unclear = await shop.deliver('run');
    assert.equal(unclear.code, 2);
    assert.match(unclear.stderr, /cart.*orders/s);
    assert.equal((await shop.deliver('run', '--service', 'orders')).code, 0);
    assert.match((await shop.deliver('log', '--service', 'orders')).stdout, /orders\n$/);
    assert.equal((await shop.json<Status>('status', '--service', 'orders')).service, 'orders');
    assert.match((await shop.deliver('run', '--service', 'none')).stderr, /none/);
  });

  it('reads a journal whose last line is torn', async () => {
    const shop = project().steps({ test: 'true' }).commit();
    await shop.deliver('run');
    const { run } = await shop.json<Status>('status');
    fs.appendFileSync(path.join(run.folder, 'journal.jsonl'), '{"type":"step-fin');
    assert.equal((await shop.json<Status>('status')).run.outcome, 'passed');
    assert.equal((await shop.deliver('run')).code, 0);
  });

  it('ends with a clear word when the disk is full', async function () {
    const home = path.join(folder.path, 'small');
    fs.mkdirSync(home);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', home], { stdio: 'ignore' });
    } catch {
      this.skip(); // only root may make a small disk
    }
    try {
      const shop = project().steps({ flood: 'yes | head -c 20000000' }).commit();
      const { code, stderr } = await shop.start(['run'], { DELIVER_HOME: home }).ended;
      assert.equal(code, 3);
      assert.match(stderr, /^error: .*\.log could not be written: the disk is full \(free some space\)$/m);
    } finally {
      execFileSync('umount', ['-l', home]);
    }
  });
});
