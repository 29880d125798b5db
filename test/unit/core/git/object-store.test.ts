import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { tidyObjects } from '../../../../src/core/git/object-store';
import { Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

const day = 86_400_000;
const later = (days: number): number => Date.now() + days * day;

describe('the object store of snapshots', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;

  beforeEach(async () => {
    project = new Project(folder.path).write('a.txt', 'a').write('src/b.txt', 'b').commit('First');
    delivery = await Delivery.from(project.root, project.home);
  });

  const has = (id: string): boolean => fs.existsSync(path.join(delivery.home.objects, id.slice(0, 2), id.slice(2)));
  /** Makes every object some days older. */
  const age = (days: number): void => {
    for (const entry of fs.readdirSync(delivery.home.objects, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      const { atime, mtimeMs } = fs.statSync(file);
      if (entry.isFile()) fs.utimesSync(file, atime, new Date(mtimeMs - days * day));
    }
  };
  const size = (): number =>
    fs
      .readdirSync(delivery.home.objects, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
  const commitOf = async (text: string): Promise<string> => {
    project.write('src/b.txt', text);
    return (await delivery.snapshot()).change.commit;
  };

  it('drops objects that no recorded run needs, and keeps newer ones', async () => {
    const old = await commitOf('old');
    age(10);
    const recent = await commitOf('recent');
    tidyObjects(delivery.home, new Date(later(-5)), undefined, later(1));
    assert.deepEqual([has(old), has(recent)], [false, true]);
    assert.equal((await delivery.snapshot(recent)).change.commit, recent);
    await delivery.slot(await delivery.snapshot(recent));
  });

  it('keeps objects that a newer snapshot shares', async () => {
    project.write('big.txt', 'shared');
    await commitOf('old');
    age(10);
    await commitOf('new');
    tidyObjects(delivery.home, new Date(later(-5)), undefined, later(1));
    const slot = await delivery.slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'big.txt'), 'utf8'), 'shared');
    git(slot.root, 'fsck', '--connectivity-only', 'HEAD');
  });

  it('drops the oldest objects when it exceeds its limit', async () => {
    const old = await commitOf('old');
    const first = size();
    age(2);
    const recent = await commitOf('recent');
    const all = size();
    tidyObjects(delivery.home, new Date(0), all, later(1));
    assert.deepEqual([has(old), has(recent)], [true, true]);
    tidyObjects(delivery.home, new Date(0), all - first, later(1));
    assert.deepEqual([has(old), has(recent)], [false, true]);
  });

  it('keeps objects of the last hour, which a snapshot may be writing', async () => {
    const commit = await commitOf('new');
    tidyObjects(delivery.home, new Date(later(1)), 0);
    assert.equal(has(commit), true);
  });

  it('gets an object again from the next snapshot if it was dropped too early', async () => {
    const commit = await commitOf('text');
    tidyObjects(delivery.home, new Date(later(2)), 0, later(1));
    assert.equal(has(commit), false);
    assert.equal((await delivery.snapshot()).change.commit, commit);
    const slot = await delivery.slotNow();
    assert.equal(fs.readFileSync(path.join(slot.root, 'src', 'b.txt'), 'utf8'), 'text');
  });

  it('drops partial files and indexes of killed snapshots', async () => {
    await commitOf('text');
    const drafts = [path.join(delivery.home.objects, 'ab', 'tmp_obj_x'), path.join(delivery.home.folder, 'index-1-ab')];
    for (const draft of drafts) {
      fs.mkdirSync(path.dirname(draft), { recursive: true });
      fs.writeFileSync(draft, '');
    }
    tidyObjects(delivery.home, new Date(0));
    assert.deepEqual(
      drafts.map((draft) => fs.existsSync(draft)),
      [true, true],
    );
    tidyObjects(delivery.home, new Date(0), undefined, later(1));
    assert.deepEqual(
      drafts.map((draft) => fs.existsSync(draft)),
      [false, false],
    );
  });
});
