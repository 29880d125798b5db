import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { unpackSample } from '../../../../src/core/runner/sample';
import { temporaryFolder } from '../../../support/temporary';

const media = path.resolve(__dirname, '../../../../media');

describe('the sample', () => {
  const folder = temporaryFolder();
  const target = () => path.join(folder.path, 'with a space', 'shop');
  const git = (...args: string[]) => execFileSync('git', args, { cwd: target(), encoding: 'utf8' }).trim();

  it('unpacks into a repository with the history of two services', async () => {
    const unpacked = await unpackSample(target(), media);
    assert.ok(unpacked.ok, JSON.stringify(unpacked));
    assert.equal(git('status', '--porcelain'), '');
    assert.equal(git('rev-parse', '--abbrev-ref', 'HEAD'), 'main');
    assert.ok(Number(git('rev-list', '--count', 'HEAD')) >= 10);
    assert.equal(new Set(git('log', '--format=%ae').split('\n')).size, 3);
    const dates = git('log', '--reverse', '--format=%at').split('\n').map(Number);
    assert.deepEqual(
      dates,
      [...dates].sort((a, b) => a - b),
    );
    assert.ok(dates.at(-1)! > Date.now() / 1000 - 86_400);
  });

  it('ends with exactly the files of the sample', async () => {
    await unpackSample(target(), media);
    const files = git('ls-files', '-z').split('\0').filter(Boolean);
    assert.deepEqual(files.sort(), filesOf(path.join(media, 'sample')));
    for (const file of files) assert.equal(read(target(), file), read(path.join(media, 'sample'), file), file);
  });

  it('passes its own tests at every commit', async function () {
    this.timeout(60_000);
    await unpackSample(target(), media);
    for (const commit of git('rev-list', '--reverse', 'HEAD').split('\n')) {
      git('checkout', '--quiet', commit);
      for (const service of ['shop', 'inventory'])
        if (fs.existsSync(path.join(target(), service, 'test')))
          execFileSync(process.execPath, ['--test'], { cwd: path.join(target(), service), stdio: 'pipe', env: plain() });
    }
  });

  it('does not depend on how the user has set up git', async () => {
    const config = path.join(folder.path, 'gitconfig');
    fs.writeFileSync(
      config,
      '[commit]\n\tgpgsign = true\n[core]\n\thooksPath = /nowhere/hooks\n\tautocrlf = true\n[init]\n\tdefaultBranch = trunk\n',
    );
    const before = process.env['GIT_CONFIG_GLOBAL'];
    process.env['GIT_CONFIG_GLOBAL'] = config;
    try {
      const unpacked = await unpackSample(target(), media);
      assert.ok(unpacked.ok, JSON.stringify(unpacked));
      assert.equal(git('rev-parse', '--abbrev-ref', 'HEAD'), 'main');
    } finally {
      if (before === undefined) delete process.env['GIT_CONFIG_GLOBAL'];
      else process.env['GIT_CONFIG_GLOBAL'] = before;
    }
  });

  it('touches no folder that holds something', async () => {
    fs.mkdirSync(target(), { recursive: true });
    fs.writeFileSync(path.join(target(), 'mine.txt'), 'mine');
    const refused = await unpackSample(target(), media);
    assert.ok(!refused.ok && refused.failure.message.endsWith('is not empty'));
    assert.deepEqual(fs.readdirSync(target()), ['mine.txt']);
  });

  it('leaves nothing half-made', async () => {
    const broken = path.join(folder.path, 'media');
    fs.cpSync(media, broken, { recursive: true });
    fs.rmSync(path.join(broken, 'sample/shop/src/server.js'));
    assert.ok(!(await unpackSample(target(), broken)).ok);
    assert.ok(!fs.existsSync(target()));
  });
});

function filesOf(folder: string): string[] {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/')).sort();
}

function read(folder: string, file: string): string {
  return fs.readFileSync(path.join(folder, file), 'utf8');
}

/** Without the variables that a test runner sets for its children. */
function plain(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_TEST_CONTEXT' && name !== 'NODE_OPTIONS'));
}
