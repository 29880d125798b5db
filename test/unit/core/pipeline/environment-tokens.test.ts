import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { environmentTokens, isTokenVariable, tokenVariable } from '../../../../src/core/pipeline/environment-tokens';

describe('environmentTokens', () => {
  let home: string;
  let inherited: NodeJS.ProcessEnv;

  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-tokens-'));
    inherited = { ...process.env };
    const settings = path.join(home, 'gitconfig');
    fs.writeFileSync(settings, `[credential]\n\thelper = store --file='${path.join(home, 'credentials')}'\n`);
    Object.assign(process.env, { GIT_CONFIG_GLOBAL: settings, GIT_CONFIG_NOSYSTEM: '1' });
  });
  afterEach(() => {
    for (const name of ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM']) delete process.env[name];
    Object.assign(process.env, inherited);
    fs.rmSync(home, { recursive: true, force: true });
  });

  const token = async (kind: string, host: string, env: NodeJS.ProcessEnv = {}): Promise<string | undefined> =>
    environmentTokens({ HOME: home, ...env })(kind, host);
  const netrc = (text: string): void => fs.writeFileSync(path.join(home, '.netrc'), text, { mode: 0o600 });

  describe('from variables', () => {
    const given = { DELIVER_TOKEN_ERRORS_EXAMPLE_COM: 'errors' };

    it('finds the token of the host', async () => {
      assert.equal(await token('http', 'https://errors.example.com', given), 'errors');
      assert.equal(await token('http', 'https://errors.example.com:8443', { DELIVER_TOKEN_ERRORS_EXAMPLE_COM_8443: 'port' }), 'port');
      assert.equal(await token('http', 'https://my-errors.example.com', { DELIVER_TOKEN_MY__ERRORS_EXAMPLE_COM: 'hyphen' }), 'hyphen');
    });

    for (const host of [
      'http://errors.example.com',
      'https://errors-example.com',
      'https://errors.example-com',
      'https://errors_example.com',
      'https://errors.example.com:8443',
      'https://errors.example.com.evil.com',
    ])
      it(`sends it to no other host, such as ${host}`, async () => assert.equal(await token('http', host, given), undefined));

    it('takes the usual variable for the public host alone', async () => {
      const usual = { GITHUB_TOKEN: 'hub', GITLAB_TOKEN: 'lab' };
      assert.equal(await token('github', 'https://api.github.com', usual), 'hub');
      assert.equal(await token('gitlab', 'https://gitlab.com', usual), 'lab');
      assert.equal(await token('github', 'https://github.example.com', usual), undefined);
      assert.equal(await token('http', 'https://api.github.com', usual), undefined);
    });

    it('sends a token over http to this machine only', async () => {
      assert.equal(await token('http', 'http://127.0.0.1:8080', { DELIVER_TOKEN_127_0_0_1_8080: 'local' }), 'local');
      assert.equal(await token('http', 'http://10.0.0.1:8080', { DELIVER_TOKEN_10_0_0_1_8080: 'remote' }), undefined);
    });
  });

  it('gives every host a variable of its own, or none', () => {
    const letters = ['a', 'b', '-', '.', '_'];
    const hosts = new Set<string>();
    for (let n = 0; n < letters.length ** 5; n++) {
      const name = [0, 1, 2, 3, 4].map((place) => letters[Math.floor(n / letters.length ** place) % letters.length]).join('');
      if (URL.canParse(`https://${name}`)) hosts.add(new URL(`https://${name}`).origin);
    }
    const variables = [...hosts].flatMap((host) => tokenVariable(host) ?? []);
    assert.ok(variables.length > 100);
    assert.equal(new Set(variables).size, variables.length);
    assert.equal(tokenVariable('https://[2001:db8::1]'), undefined);
  });

  describe('from ~/.netrc', () => {
    it('finds the entry of the machine', async () => {
      netrc('machine other.example.com login a password no\n\nmachine errors.example.com\n  login me\n  password "with \\"quotes\\""\n');
      assert.equal(await token('http', 'https://errors.example.com'), 'with "quotes"');
      assert.equal(await token('http', 'https://example.com'), undefined);
    });

    it('uses user and password for Jenkins', async () => {
      netrc('machine ci.example.com login me password 11aa');
      assert.equal(await token('jenkins', 'https://ci.example.com'), 'me:11aa');
    });

    it('ignores the default entry, macros and other ports', async () => {
      netrc('macdef init\nmachine errors.example.com password macro\n\ndefault login me password any\n');
      assert.equal(await token('http', 'https://errors.example.com'), undefined);
      netrc('machine errors.example.com password any');
      assert.equal(await token('http', 'https://errors.example.com:8443'), undefined);
      assert.equal(await token('http', 'http://errors.example.com'), undefined);
    });

    it('reads the file that NETRC names', async () => {
      fs.writeFileSync(path.join(home, 'logins'), 'machine errors.example.com password named');
      assert.equal(await token('http', 'https://errors.example.com', { NETRC: path.join(home, 'logins') }), 'named');
    });
  });

  describe('from the credential helpers of git', () => {
    beforeEach(() =>
      fs.writeFileSync(path.join(home, 'credentials'), 'https://me:from-git@github.com\nhttps://me:own@git.example.com:8443\n'),
    );

    it('finds the credentials of the server that hosts the repositories', async () => {
      assert.equal(await token('github', 'https://api.github.com'), 'from-git');
      assert.equal(await token('gitlab', 'https://git.example.com:8443'), 'own');
    });

    it('uses them for no other kind of server', async () => {
      assert.equal(await token('http', 'https://github.com'), undefined);
      assert.equal(await token('gitlab', 'https://git.example.com'), undefined);
    });

    it('prefers a variable', async () => {
      assert.equal(await token('github', 'https://api.github.com', { GITHUB_TOKEN: 'variable' }), 'variable');
    });
  });

  it('knows the variables that no step inherits', () => {
    const names = ['GITHUB_TOKEN', 'GITLAB_TOKEN', 'SENTRY_AUTH_TOKEN', 'DELIVER_TOKEN_CI_EXAMPLE_COM', 'NPM_TOKEN', 'TOKEN'];
    assert.deepEqual(names.map(isTokenVariable), [true, true, true, true, false, false]);
  });
});
