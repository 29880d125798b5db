import * as assert from 'node:assert/strict';
import { parseRemote } from '../../../../src/core/git/remotes';

describe('a remote', () => {
  it('has a host and a path in every notation', () => {
    const acme = { host: 'https://github.com', path: 'acme/shop' };
    for (const url of [
      'git@github.com:acme/shop.git',
      'https://github.com/acme/shop',
      'ssh://git@github.com:22/acme/shop.git',
      'https://token@GitHub.com/acme/shop.git/',
    ])
      assert.deepEqual(parseRemote(url.replace(/\.git\/$/, '.git')), acme, url);
    assert.deepEqual(parseRemote('https://git.example.com:8443/group/sub/shop.git'), {
      host: 'https://git.example.com:8443',
      path: 'group/sub/shop',
    });
  });

  it('has the host of the site if ssh uses another host at the port of https', () => {
    assert.equal(parseRemote('ssh://git@ssh.github.com:443/acme/shop.git')?.host, 'https://github.com');
    assert.equal(parseRemote('ssh://git@altssh.gitlab.com:443/acme/shop.git')?.host, 'https://gitlab.com');
  });

  it('has no host if it is a folder', () => {
    for (const url of ['/srv/git/shop.git', '../shop', 'C:\\git\\shop', 'file:///srv/shop']) assert.equal(parseRemote(url), undefined, url);
  });
});
