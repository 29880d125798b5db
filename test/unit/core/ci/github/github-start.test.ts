import * as assert from 'node:assert/strict';
import { openGithubClient } from '../../../../../src/core/ci/github/github-client';
import { HttpClient } from '../../../../../src/core/http/http-client';
import { branch, commit, file, OnGithub } from '../../../../support/ci/on-github';
import { failureOf, never, valueOf } from '../../../../support/ci/remote-answers';

const request = { service: 'shop', file, branch, commit };

describe('the client for GitHub Actions', () => {
  const on = new OnGithub();

  it('is named after its repository, and sends the token to its API only', () => {
    const named = (address: string): string =>
      openGithubClient({ server: address, repository: 'acme/shop', pipelines: new Map() }, new HttpClient({ proxy: 'host' }), async () =>
        Promise.resolve(undefined),
      ).host;
    assert.equal(on.client.place, 'acme/shop');
    assert.equal(on.client.host, on.server.url);
    assert.equal(named('https://github.com'), 'https://api.github.com');
    assert.equal(named('https://github.com/'), 'https://api.github.com');
    assert.equal(named('https://acme.ghe.com'), 'https://api.acme.ghe.com');
    assert.equal(named('https://git.acme.example'), 'https://git.acme.example');
  });

  it('sends no request without a valid repository name', async () => {
    await on.open({}, 'ghp_accepted', '../user');
    assert.match(failureOf(await on.client.read('1', never)).message, /“..\/user” is not of the form owner\/name/);
    assert.match(failureOf(await on.client.start(request, never)).message, /“..\/user” is not of the form owner\/name/);
    assert.deepEqual(on.server.asked, []);
  });

  describe('check', () => {
    it('returns the login', async () => {
      assert.equal(valueOf(await on.client.check(never)), 'octocat');
    });

    it('refuses a bad token', async () => {
      await on.open({}, 'ghp_other');
      const { reason, message } = failureOf(await on.client.check(never));
      assert.equal(reason, 'token');
      assert.match(message, /does not accept the token \(401\): Bad credentials/);
    });

    it('accepts the token of an app that sees the repository', async () => {
      await on.open({ isApp: true });
      assert.equal(valueOf(await on.client.check(never)), 'a GitHub app');
      await on.open({ isApp: true, repository: 'acme/other' });
      assert.match(failureOf(await on.client.check(never)).message, /the app has no access to acme\/shop/);
    });

    it('explains that the organization requires single sign-on', async () => {
      const sso = 'required; url=https://github.com/orgs/acme/sso?authorization_request=AZSCKL';
      const said = 'Resource protected by organization SAML enforcement. You must grant your token access to this organization.';
      on.server.fault = ({ path }) =>
        path.includes('/repos/') ? { reply: { status: 403, headers: { 'X-GitHub-SSO': sso }, body: { message: said } } } : undefined;
      const { reason, message, hint } = failureOf(await on.client.check(never));
      assert.deepEqual([reason, message.endsWith(said)], ['token', true]);
      assert.match(hint ?? '', /single sign-on: authorize the token/);
      assert.doesNotMatch(hint ?? '', /AZSCKL/);
    });

    it('names a missing scope', async () => {
      await on.open({ scopes: 'gist, read:user' });
      assert.match(
        failureOf(await on.client.check(never)).message,
        /token of octocat has only the scopes gist, read:user: the scope repo is missing/,
      );
      // Tokens of apps have an empty scopes header.
      for (const scopes of ['repo, workflow', '']) {
        await on.open({ scopes });
        assert.equal(valueOf(await on.client.check(never)), 'octocat');
      }
    });

    it('explains read-only access to a fork', async () => {
      await on.open({ facts: { permissions: { pull: true, push: false }, fork: true, parent: { full_name: 'up/shop' } } });
      const { reason, message, hint } = failureOf(await on.client.check(never));
      assert.equal(reason, 'token');
      assert.equal(message, 'octocat has only read access to acme/shop, a fork of up/shop');
      assert.match(hint ?? '', /write access/);
    });

    it('explains an archived or invisible repository', async () => {
      await on.open({ facts: { archived: true } });
      assert.match(failureOf(await on.client.check(never)).message, /acme\/shop is archived/);
      await on.open({ repository: 'acme/other' });
      assert.match(failureOf(await on.client.check(never)).message, /octocat has no access to acme\/shop/);
    });

    it('refuses an answer without permissions', async () => {
      await on.open({ facts: { permissions: null } });
      assert.match(failureOf(await on.client.check(never)).message, /does not report the permissions of octocat/);
    });
  });

  describe('start', () => {
    it('returns the id of the run', async () => {
      const next = on.runs.next();
      const started = valueOf(await on.client.start(request, never));
      const run = await next;
      assert.deepEqual(started, { id: run.id, attempt: 1, url: `${on.server.url}/acme/shop/actions/runs/${run.id}` });
      assert.equal(run.branch, branch);
      assert.equal(on.server.asked.length, 1);
    });

    for (const details of ['ignored', 'refused'] as const)
      it(`finds the only matching run on the branch when the server ${details}`, async () => {
        await on.open({ details, listDelay: 2 });
        on.runs.delete(on.run);
        on.runs.begin({ branch, commit, event: 'push' });
        on.runs.begin({ branch: 'main', commit, event: 'workflow_dispatch' });
        const next = on.runs.next();
        const started = valueOf(await on.client.start(request, never));
        // The push at the same time is another run.
        assert.equal(started.id, (await next).id);
        assert.deepEqual(
          on.server.asked.filter(({ path }) => path.endsWith('/runs')).map(({ query }) => Object.fromEntries(query)),
          Array(3).fill({ branch, event: 'workflow_dispatch', head_sha: commit }),
        );
      });

    it('ignores other runs from a server without filters', async () => {
      await on.open({ details: 'ignored', hasNoFilters: true, listDelay: 2 });
      on.runs.delete(on.run);
      const next = on.runs.next();
      const starting = on.client.start(request, never);
      const { id } = await next;
      on.runs.begin({ branch, commit, event: 'push' });
      on.runs.begin({ branch: 'main', commit });
      on.runs.begin({ branch });
      assert.equal(valueOf(await starting).id, id);
    });

    it('fails when no run appears', async () => {
      await on.open({ details: 'ignored', listDelay: 1000 });
      assert.match(failureOf(await on.client.start(request, never)).message, /accepted the start of deliver\/shop\/1, but no run appeared/);
    });

    it('stops searching when the request is aborted', async () => {
      await on.open({ details: 'ignored', listDelay: 1000 });
      const stop = new AbortController();
      on.server.fault = ({ path }) => {
        if (path.endsWith('/runs')) stop.abort();
        return undefined;
      };
      failureOf(await on.client.start(request, stop.signal));
      assert.ok(on.paths().length <= 1, on.paths().join(' '));
    });

    it('finds the run after a lost answer', async () => {
      on.runs.delete(on.run);
      on.server.fault = ({ method }) => (method === 'POST' ? { cut: 10 } : undefined);
      const next = on.runs.next();
      const started = valueOf(await on.client.start(request, never));
      assert.equal(started.id, (await next).id);
      assert.equal(on.paths('POST').length, 1);
    });

    it('explains that the workflow is not on the default branch', async () => {
      await on.open({ workflows: [] });
      const { message, hint, gone } = failureOf(await on.client.start(request, never));
      assert.match(message, /acme\/shop has no \.github\/workflows\/deliver-shop\.yml on its default branch, or the token may not read it/);
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
      it(`explains a refusal: ${status} ${said}`, async () => {
        on.server.fault = () => ({ reply: { status, body: { message: said } } });
        assert.match(failureOf(await on.client.start(request, never)).message, told);
      });
  });
});
