import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { composeFiles } from '../../../../../src/core/environments/compose/compose-files';
import { networkOf, projectOf } from '../../../../../src/core/environments/compose/containers';
import { readConfig, chooseTarget } from '../../../../../src/core/environments/compose/config';
import { temporaryFolder } from '../../../../support/temporary';

describe('the configuration of compose', () => {
  const portsOf = (ports: string) => readConfig(`services: {shop: {image: shop, ports: ${ports}}}`, '/slot').services[0]?.ports;

  it('reads every form of a port', () => {
    assert.deepEqual(portsOf('["8080:80"]'), [{ target: 80, host: 8080 }]);
    assert.deepEqual(portsOf('["127.0.0.1:8080:80/tcp"]'), [{ target: 80, host: 8080 }]);
    assert.deepEqual(portsOf('["80"]'), [{ target: 80 }]);
    assert.deepEqual(portsOf('["127.0.0.1::80"]'), [{ target: 80 }]);
    assert.deepEqual(portsOf('["[::1]:8080:80"]'), [{ target: 80, host: 8080 }]);
    assert.deepEqual(portsOf('["3000-3005:4000-4005"]'), [{ target: 4000, host: 3000 }]);
    assert.deepEqual(portsOf('[{target: 80, published: "8080", mode: ingress, protocol: tcp}]'), [{ target: 80, host: 8080 }]);
    assert.deepEqual(portsOf('["53:53/udp", {target: 53, protocol: udp}]'), []);
  });

  it('hashes a build independently of the checkout and of secrets', () => {
    const build = (folder: string, token: string, args = '') =>
      readConfig(`services: {shop: {build: {context: ${folder}/app, args: {TOKEN: "${token}", ${args}}}}}`, folder, { TOKEN: token })
        .services[0]?.build;
    assert.equal(build('/slots/1', 'first-token'), build('/slots/2', 'second-token'));
    assert.notEqual(build('/slots/1', 'token'), build('/slots/1', 'token', 'COLOUR: red'));
  });

  describe('the service that is delivered', () => {
    const choose = (services: string, named?: string) => {
      const chosen = chooseTarget(readConfig(`services: {${services}}`, '/slot'), 'shop', named);
      return chosen.ok ? chosen.value.name : chosen.failure.hint;
    };

    it('is the named one, else the one with the same name, else the only one with a build', () => {
      assert.equal(choose('web: {build: .}, shop: {image: a}', 'web'), 'web');
      assert.equal(choose('web: {build: .}, shop: {image: a}'), 'shop');
      assert.equal(choose('web: {build: .}, db: {image: a}'), 'web');
    });

    it('is never guessed', () => {
      assert.equal(choose('web: {build: .}, api: {build: .}'), 'name it in `compose.service`: it has web, api');
      assert.equal(choose('web: {image: a}', 'shop'), 'it has web');
    });
  });

  describe('the compose files', () => {
    const folder = temporaryFolder();
    const files = (existing: readonly string[], named: readonly string[] = []) => {
      for (const name of existing) {
        fs.mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
        fs.writeFileSync(path.join(folder.path, name), '');
      }
      const found = composeFiles(folder.path, named, 'staging');
      return found.ok ? found.value : found.failure.message;
    };

    it('include the default file and its override', () => {
      assert.deepEqual(files(['docker-compose.yml', 'docker-compose.override.yml', 'other.yml']), [
        'docker-compose.yml',
        'docker-compose.override.yml',
      ]);
    });

    it('keep the configured order and sort the matches of a glob', () => {
      const existing = ['compose.yaml', 'deploy/b.yaml', 'deploy/a.yaml', 'deploy/notes.md'];
      assert.deepEqual(files(existing, ['compose.yaml', 'deploy/*.yaml']), ['compose.yaml', 'deploy/a.yaml', 'deploy/b.yaml']);
      assert.match(String(files([], ['missing.yaml'])), /missing\.yaml, which is not part of the change/);
    });
  });

  it('derives distinct names for each environment and service', () => {
    assert.equal(projectOf({ environment: 'staging', service: 'shop' }), 'deliver_staging_shop');
    assert.match(networkOf('My Staging'), /^deliver-my-staging-[0-9a-f]{6}$/);
    const all = ['a.b', 'a-b', 'A-b', 'a_b'].map((service) => projectOf({ environment: 'x', service }));
    assert.equal(new Set(all).size, all.length);
  });
});
