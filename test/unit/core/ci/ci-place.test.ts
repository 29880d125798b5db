import * as assert from 'node:assert/strict';
import { ciPlace, type CiPlace } from '../../../../src/core/ci/ci-place';
import type { Failure } from '../../../../src/core/model/result';
import type { CiDefinition } from '../../../../src/core/model/pipeline';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('where the CI service of a repository is', () => {
  const folder = temporaryFolder();
  let shop: Project;
  beforeEach(() => {
    shop = new Project(folder.path);
    shop.write('cart.js', '\n').commit();
  });

  const place = async (definition: CiDefinition = { kind: 'github' }): Promise<CiPlace> => {
    const found = await ciPlace(definition, { root: shop.root });
    assert.ok(found.ok, found.ok ? '' : found.failure.message);
    return found.value;
  };
  const failure = async (definition: CiDefinition = { kind: 'github' }): Promise<Failure> => {
    const found = await ciPlace(definition, { root: shop.root });
    assert.ok(!found.ok, `it is found: ${JSON.stringify(found)}`);
    return found.failure;
  };
  const remotes = (remotes: Record<string, string>): void => {
    for (const [name, url] of Object.entries(remotes)) shop.git('remote', 'add', name, url);
  };
  const [acme, fork] = ['https://github.com/acme/shop.git', 'https://github.com/grace/shop.git'];

  describe('is read from a remote of git', () => {
    it('the one that the branch follows, before origin', async () => {
      remotes({ origin: acme, fork });
      shop.git('config', 'branch.main.remote', 'fork');
      assert.deepEqual([(await place()).remote, (await place()).place], ['fork', 'grace/shop']);
    });

    it('origin, where the branch follows none or one of this repository, or where none is checked out', async () => {
      remotes({ fork, origin: acme });
      assert.equal((await place()).remote, 'origin');
      shop.git('config', 'branch.main.remote', '.');
      assert.equal((await place()).remote, 'origin');
      shop.git('checkout', '-q', '--detach');
      assert.equal((await place()).remote, 'origin');
    });

    it('the only one, whatever its name is, and none of several', async () => {
      remotes({ fork });
      assert.equal((await place()).remote, 'fork');
      remotes({ acme });
      assert.match((await failure()).message, /there is no remote/);
    });

    it('the one that is named', async () => {
      remotes({ origin: acme, fork });
      assert.equal((await place({ kind: 'github', remote: 'fork' })).place, 'grace/shop');
      const none = await failure({ kind: 'github', remote: 'upstream' });
      assert.match(none.message, /there is no remote upstream/);
      assert.match(none.hint ?? '', /git remote add/);
    });

    it('where it is pushed to, though it is fetched from elsewhere', async () => {
      remotes({ origin: acme });
      shop.git('remote', 'set-url', '--push', 'origin', fork);
      assert.equal((await place()).place, 'grace/shop');
    });

    it('over ssh as over https', async () => {
      for (const url of ['git@github.com:acme/shop.git', 'ssh://git@github.com:22/acme/shop', acme]) {
        const one = new Project(`${folder.path}/${url.length}`);
        one.git('remote', 'add', 'origin', url);
        const found = await ciPlace({ kind: 'github' }, { root: one.root });
        assert.ok(found.ok);
        const { server, place: there, tokenHost } = found.value;
        assert.deepEqual([server, there, tokenHost], ['https://github.com', 'acme/shop', 'https://api.github.com'], url);
      }
    });

    it('a group in a group of GitLab, on a port of its own', async () => {
      remotes({ origin: 'https://gitlab.example.com:8443/acme/web/shop.git' });
      const { server, place: there, tokenHost } = await place({ kind: 'gitlab' });
      assert.deepEqual([server, there, tokenHost], ['https://gitlab.example.com:8443', 'acme/web/shop', 'https://gitlab.example.com:8443']);
    });
  });

  it('is below a sub-path of its server, which is no part of the name of a project', async () => {
    remotes({ origin: 'https://git.example.com/gitlab/acme/shop.git', ssh: 'git@git.example.com:gitlab/shop.git' });
    const url = 'https://git.example.com/gitlab';
    const { server, place: there, tokenHost } = await place({ kind: 'gitlab', url });
    assert.deepEqual([server, there, tokenHost], [url, 'acme/shop', 'https://git.example.com']);
    // Over ssh there is no such path.
    assert.equal((await place({ kind: 'gitlab', url, remote: 'ssh' })).place, 'gitlab/shop');
  });

  it('sends the token of an Enterprise server to that server, and of a tenant to its API', async () => {
    remotes({ origin: 'git@github.example.com:acme/shop.git' });
    assert.equal((await place()).tokenHost, 'https://github.example.com');
    shop.git('remote', 'set-url', 'origin', 'https://acme.ghe.com/acme/shop.git');
    assert.equal((await place()).tokenHost, 'https://api.acme.ghe.com');
  });

  it('is what the definition says before what git does', async () => {
    remotes({ origin: acme });
    const other = await place({ kind: 'github', url: 'https://github.example.com/', place: 'team/store' });
    assert.deepEqual(
      [other.server, other.place, other.tokenHost],
      ['https://github.example.com', 'team/store', 'https://github.example.com'],
    );
    // What is pushed to is the remote all the same.
    assert.deepEqual([other.remote, other.host?.path], ['origin', 'acme/shop']);
    assert.equal((await place({ kind: 'gitlab', url: 'https://gitlab.example.com' })).place, 'acme/shop');
    const jenkins = await place({ kind: 'jenkins', url: 'https://ci.example.com/jenkins', place: 'team/shop' });
    assert.deepEqual(
      [jenkins.server, jenkins.place, jenkins.tokenHost],
      ['https://ci.example.com/jenkins', 'team/shop', 'https://ci.example.com'],
    );
  });

  it('is said to be unknown where nothing can be pushed anywhere', async () => {
    assert.match((await failure()).hint ?? '', /git remote add origin/);
    // Jenkins is known, but not where it would get the change from.
    assert.match((await failure({ kind: 'jenkins', url: 'https://ci.example.com', place: 'shop' })).message, /could be pushed/);
  });

  it('is asked for where the remote is a folder', async () => {
    remotes({ origin: `${folder.path}/shop.git` });
    for (const kind of ['github', 'gitlab'] as const) {
      const { message, hint } = await failure({ kind });
      assert.match(message, new RegExp(`on ${kind} is not known`));
      assert.match(hint ?? '', new RegExp(`engine: \\{${kind}: \\{url: https://…`));
    }
    const named = await place({ kind: 'gitlab', url: 'https://gitlab.example.com', place: 'acme/shop' });
    assert.deepEqual([named.host, named.remote], [undefined, 'origin']);
  });
});
