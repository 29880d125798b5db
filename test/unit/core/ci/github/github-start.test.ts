import * as assert from 'node:assert/strict';
import { openGithubClient } from '../../../../../src/core/ci/github/github-client';
import { HttpClient } from '../../../../../src/core/http/http-client';
import { branch, commit, file, OnGithub } from '../../../../support/ci/on-github';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';

const request = { service: 'shop', file, branch, commit };

describe('GitHub Actions, asked to run something', () => {
  const on = new OnGithub();

  it('is named after its repository; the token goes to its API alone', () => {
    const named = (address: string): string =>
      openGithubClient({ server: address, repository: 'acme/shop', pipelines: new Map() }, new HttpClient({ proxy: 'host' }), async () =>
        Promise.resolve(undefined),
      ).host;
    assert.equal(on.engine.place, 'acme/shop');
    assert.equal(on.engine.host, on.server.url);
    assert.equal(named('https://github.com'), 'https://api.github.com');
    assert.equal(named('https://github.com/'), 'https://api.github.com');
    assert.equal(named('https://acme.ghe.com'), 'https://api.acme.ghe.com');
    assert.equal(named('https://git.acme.example'), 'https://git.acme.example');
  });

  it('asks nothing of what is no repository', async () => {
    await on.open({}, 'ghp_accepted', '../user');
    assert.match(failureOf(await on.engine.read('1', never)).message, /“..\/user” is not owner\/name/);
    assert.match(failureOf(await on.engine.start(request, never)).message, /“..\/user” is not owner\/name/);
    assert.deepEqual(on.server.asked, []);
  });

  describe('is checked', () => {
    it('and says who asks', async () => {
      assert.equal(valueOf(await on.engine.check(never)), 'octocat');
    });

    it('and turns another token down', async () => {
      await on.open({}, 'ghp_other');
      const { reason, message } = failureOf(await on.engine.check(never));
      assert.equal(reason, 'token');
      assert.match(message, /does not accept the token \(401\): Bad credentials/);
    });

    it('and takes the token of an app, which is nobody, where it sees the repository', async () => {
      await on.open({ isApp: true });
      assert.equal(valueOf(await on.engine.check(never)), 'an app of GitHub');
      await on.open({ isApp: true, repository: 'acme/other' });
      assert.match(failureOf(await on.engine.check(never)).message, /the app sees no repository acme\/shop/);
    });

    it('and says that the organization wants single sign-on', async () => {
      const sso = 'required; url=https://github.com/orgs/acme/sso?authorization_request=AZSCKL';
      const said = 'Resource protected by organization SAML enforcement. You must grant your token access to this organization.';
      on.server.fault = ({ path }) =>
        path.includes('/repos/') ? { reply: { status: 403, headers: { 'X-GitHub-SSO': sso }, body: { message: said } } } : undefined;
      const { reason, message, hint } = failureOf(await on.engine.check(never));
      assert.deepEqual([reason, message.endsWith(said)], ['token', true]);
      assert.match(hint ?? '', /single sign-on: authorize the token/);
      assert.doesNotMatch(hint ?? '', /AZSCKL/);
    });

    it('and says that the token lacks a scope', async () => {
      await on.open({ scopes: 'gist, read:user' });
      assert.match(
        failureOf(await on.engine.check(never)).message,
        /token of octocat may do only gist, read:user: it lacks the scope repo/,
      );
      // Tokens of apps say that they have none, and may do what the app may.
      for (const scopes of ['repo, workflow', '']) {
        await on.open({ scopes });
        assert.equal(valueOf(await on.engine.check(never)), 'octocat');
      }
    });

    it('and says that the repository may only be read, and that it is a fork', async () => {
      await on.open({ facts: { permissions: { pull: true, push: false }, fork: true, parent: { full_name: 'up/shop' } } });
      const { reason, message, hint } = failureOf(await on.engine.check(never));
      assert.equal(reason, 'token');
      assert.equal(message, 'octocat may only read acme/shop, a fork of up/shop');
      assert.match(hint ?? '', /write access/);
    });

    it('and says that the repository is archived, or not to be seen', async () => {
      await on.open({ facts: { archived: true } });
      assert.match(failureOf(await on.engine.check(never)).message, /acme\/shop is archived/);
      await on.open({ repository: 'acme/other' });
      assert.match(failureOf(await on.engine.check(never)).message, /octocat sees no repository acme\/shop/);
    });

    it('and takes no answer for one that says nothing of permissions', async () => {
      await on.open({ facts: { permissions: null } });
      assert.match(failureOf(await on.engine.check(never)).message, /does not say what octocat may do/);
    });
  });

  describe('starts a run', () => {
    it('and is told which it is', async () => {
      const next = on.runs.next();
      const started = valueOf(await on.engine.start(request, never));
      const run = await next;
      assert.deepEqual(started, { id: run.id, attempt: 1, url: `${on.server.url}/acme/shop/actions/runs/${run.id}` });
      assert.equal(run.branch, branch);
      assert.equal(on.server.asked.length, 1);
    });

    for (const details of ['ignored', 'refused'] as const)
      it(`where the server ${details} to be asked which it is: the only one of that branch that was started so`, async () => {
        await on.open({ details, listDelay: 2 });
        on.runs.delete(on.run);
        on.runs.begin({ branch, commit, event: 'push' });
        on.runs.begin({ branch: 'main', commit, event: 'workflow_dispatch' });
        const next = on.runs.next();
        const started = valueOf(await on.engine.start(request, never));
        // And the push that came at the same time is none.
        assert.equal(started.id, (await next).id);
        assert.deepEqual(
          on.server.asked.filter(({ path }) => path.endsWith('/runs')).map(({ query }) => Object.fromEntries(query)),
          Array(3).fill({ branch, event: 'workflow_dispatch', head_sha: commit }),
        );
      });

    it('and is not misled by a server that knows no filters', async () => {
      await on.open({ details: 'ignored', hasNoFilters: true, listDelay: 2 });
      on.runs.delete(on.run);
      const next = on.runs.next();
      const starting = on.engine.start(request, never);
      const { id } = await next;
      on.runs.begin({ branch, commit, event: 'push' });
      on.runs.begin({ branch: 'main', commit });
      on.runs.begin({ branch });
      assert.equal(valueOf(await starting).id, id);
    });

    it('and says so where none comes up', async () => {
      await on.open({ details: 'ignored', listDelay: 1000 });
      assert.match(
        failureOf(await on.engine.start(request, never)).message,
        /took the start of deliver\/shop\/1, but no run of it came up/,
      );
    });

    it('and stops to look for it when nobody waits any more', async () => {
      await on.open({ details: 'ignored', listDelay: 1000 });
      const stop = new AbortController();
      on.server.fault = ({ path }) => {
        if (path.endsWith('/runs')) stop.abort();
        return undefined;
      };
      failureOf(await on.engine.start(request, stop.signal));
      assert.ok(on.paths().length <= 1, on.paths().join(' '));
    });

    it('and finds the one whose answer was lost on its way', async () => {
      on.runs.delete(on.run);
      on.server.fault = ({ method }) => (method === 'POST' ? { cut: 10 } : undefined);
      const next = on.runs.next();
      const started = valueOf(await on.engine.start(request, never));
      assert.equal(started.id, (await next).id);
      assert.equal(on.paths('POST').length, 1);
    });

    it('and says that the workflow is not on the default branch', async () => {
      await on.open({ workflows: [] });
      const { message, hint, gone } = failureOf(await on.engine.start(request, never));
      assert.match(
        message,
        /finds no \.github\/workflows\/deliver-shop\.yml on the default branch of acme\/shop, or the token may not see it/,
      );
      assert.match(hint ?? '', /deliver export github/);
      assert.equal(gone, undefined);
    });

    for (const [status, said, told] of [
      [422, "Workflow does not have 'workflow_dispatch' trigger", /has no `workflow_dispatch`/],
      [422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow", /is disabled on GitHub/],
      [422, 'No ref found for: deliver/shop/1', /no branch deliver\/shop\/1/],
      [403, 'Resource not accessible by personal access token', /does not let this token do that \(403\): Resource not accessible/],
      [409, 'Conflict', /409 Conflict/],
    ] as const)
      it(`and tells why not: ${status} ${said}`, async () => {
        on.server.fault = () => ({ reply: { status, body: { message: said } } });
        assert.match(failureOf(await on.engine.start(request, never)).message, told);
      });
  });
});
