import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkoutsFolder, homeFolder, makePrivateFolder, RepositoryHome, repositoryName } from '../../../../src/core/support/home';
import { temporaryFolder } from '../../../support/temporary';

(process.platform === 'win32' ? describe.skip : describe)("Deliver's folder", () => {
  const folder = temporaryFolder();
  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ HOME: folder.path, ...more });

  it('is a folder of the user without a dot or a space in its name', () => {
    assert.equal(homeFolder(env()), path.join(folder.path, 'deliver-home'));
  });

  it('is DELIVER_HOME if that is set', () => {
    assert.equal(homeFolder(env({ DELIVER_HOME: '/x/y' })), '/x/y');
  });

  it('is the folder of an earlier version as long as there is no other', () => {
    const earlier = path.join(folder.path, process.platform === 'darwin' ? 'Library/Application Support' : '.local/share', 'deliver');
    fs.mkdirSync(earlier, { recursive: true });
    assert.equal(homeFolder(env()), earlier);
    checkoutsFolder(earlier, path.join(earlier, 'repositories', 'shop', 'slots'), env());
    assert.equal(homeFolder(env()), earlier);
    fs.mkdirSync(path.join(folder.path, 'deliver-home', 'repositories'), { recursive: true });
    assert.equal(homeFolder(env()), path.join(folder.path, 'deliver-home'));
  });

  it('belongs to the user alone, also if an earlier version made it', () => {
    const home = path.join(folder.path, 'home');
    assert.ok(makePrivateFolder(home));
    assert.equal(fs.statSync(home).mode & 0o777, 0o700);
    fs.chmodSync(home, 0o755);
    homeFolder({ DELIVER_HOME: home });
    assert.equal(fs.statSync(home).mode & 0o777, 0o700);
  });

  it('contains the checkouts, unless its path has a dot folder or a space', () => {
    const slots = (home: string): string => checkoutsFolder(home, path.join(home, 'repositories', 'shop', 'slots'), env());
    assert.equal(slots('/srv/deliver'), '/srv/deliver/repositories/shop/slots');
    for (const home of ['/srv/.deliver', '/srv/my data/deliver', `${folder.path}/.local/share/deliver`]) {
      const place = slots(home);
      assert.ok(place.startsWith(path.join(folder.path, 'deliver-home', 'checkouts') + path.sep), place);
      assert.ok(place.endsWith('/repositories/shop/slots'), place);
    }
    assert.notEqual(slots('/srv/.a'), slots('/srv/.b'));
    assert.equal(fs.statSync(path.join(folder.path, 'deliver-home')).mode & 0o777, 0o700);
  });

  it('names a checkout of a bare layout by the folder around it', () => {
    for (const gitFolder of ['/w/shop/.git', '/w/shop/.bare', '/w/.shop/.git', '/w/shop'])
      assert.equal(repositoryName(gitFolder), 'shop', gitFolder);
    assert.equal(repositoryName('/w/shop.git'), 'shop.git');
  });

  it('is read under the name that an earlier version gave it', () => {
    const { folder: now } = new RepositoryHome(folder.path, '/w/shop/.bare');
    assert.match(now, /\/repositories\/shop-\w{10}$/);
    const earlier = now.replace(/\/shop-/, '/.bare-');
    fs.mkdirSync(earlier, { recursive: true });
    assert.equal(new RepositoryHome(folder.path, '/w/shop/.bare').folder, earlier);
  });
});
