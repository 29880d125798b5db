import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { exportedCommands, exportedDefinition } from '../support/exported-commands';
import { needsProgram } from '../support/programs';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

/** Replaces the actions that need GitHub: act runs the commands of these instead. */
const actions: Readonly<Record<string, { readonly inputs: readonly string[]; readonly run: string }>> = {
  cache: {
    inputs: ['path', 'key'],
    run: 'if [ -f "$STORE/${{ inputs.key }}" ]; then echo cache-hit=true; else touch "$STORE/${{ inputs.key }}"; echo cache-hit=false; fi >> "$GITHUB_OUTPUT"',
  },
  'upload-artifact': {
    inputs: ['name', 'path', 'retention-days', 'overwrite', 'if-no-files-found'],
    run: 'cp ${{ inputs.path }} "$STORE"',
  },
  'download-artifact': { inputs: ['name', 'pattern', 'merge-multiple', 'path'], run: 'cp "$STORE"/*.tgz "${{ inputs.path }}"' },
};

describe('an exported workflow, really run', function () {
  this.timeout(180_000);
  needsProgram('act', '--version');
  const folder = temporaryFolder();

  const exported = async (shop: Project): Promise<string> => {
    const { code, stderr } = await shop.deliver('export', 'github');
    assert.equal(code, 0, stderr);
    shop.commit();
    return fs.readFileSync(path.join(shop.root, '.github/workflows/deliver-shop.yml'), 'utf8');
  };

  const act = (shop: Project, workflow: string, event = 'push', ...more: string[]) => {
    const store = path.join(folder.path, 'store');
    fs.mkdirSync(store, { recursive: true });
    const replaced = Object.entries(actions).flatMap(([name, { inputs, run }]) => {
      const [pinned] = new RegExp(`actions/${name}@[0-9a-f]{40}`).exec(workflow) ?? [];
      if (pinned === undefined) return [];
      const own = path.join(folder.path, 'actions', name);
      fs.mkdirSync(own, { recursive: true });
      const outputs = { 'cache-hit': { description: name, value: '${{ steps.run.outputs.cache-hit }}' } };
      const runs = { using: 'composite', steps: [{ id: 'run', shell: 'bash', run }] };
      const declared = Object.fromEntries(inputs.map((input) => [input, { description: input }]));
      fs.writeFileSync(path.join(own, 'action.yml'), JSON.stringify({ name, description: name, inputs: declared, outputs, runs }));
      return ['--local-repository', `${pinned}=${own}`];
    });
    const args = [event, '-P', 'ubuntu-latest=-self-hosted', '--no-cache-server', '--env', `STORE=${store}`, ...replaced, ...more];
    const { stdout, stderr } = spawnSync('act', [...args, '--action-cache-path', path.join(folder.path, 'act')], {
      cwd: shop.root,
      env: shop.environment({ HOME: folder.path, NO_COLOR: '1' }),
      encoding: 'utf8',
    });
    return `${stdout}${stderr}`;
  };

  it('runs every command with the result of a local run', async () => {
    const shop = new Project(folder.path).write('delivery.yaml', exportedDefinition());
    const output = act(shop, await exported(shop));
    for (const [name, { passes }] of Object.entries(exportedCommands)) {
      assert.match(output, new RegExp(`${passes ? 'Success' : 'Failure'} - Main ${name}\\b`), `${name} in ${output}`);
    }
    assert.match(output, /::warning::passes-at-the-second-attempt is flaky: it passed at attempt 2\./);
  });

  it('hands outputs over, skips unchanged inputs, and stops without a secret', async () => {
    const shop = new Project(folder.path).write('in', '1').steps({
      build: { run: 'mkdir -p out && cp in out/in', inputs: ['in'], outputs: ['out/**'] },
      test: { run: 'test "$(cat out/in)" = "$(cat in)"', needs: 'build', inputs: ['in'] },
      publish: { run: 'echo "published with $NPM_TOKEN"', needs: 'test', secrets: ['NPM_TOKEN'] },
    });
    const workflow = await exported(shop);
    const first = act(shop, workflow);
    assert.match(first, /Success - Main test\b/);
    assert.match(first, /The secret NPM_TOKEN is not set\./);
    assert.match(first, /Failure - Main publish\b/);
    const second = act(shop, workflow, 'push', '--secret', 'NPM_TOKEN=token');
    assert.doesNotMatch(second, /Main test\b/, 'unchanged inputs are not tested again');
    assert.match(second, /published with \*\*\*/);
  });

  it('checks a pull request of a fork, and leaves others to their push', async () => {
    const shop = new Project(folder.path).steps({ build: 'echo built', last: { run: 'echo tested', needs: 'build' } });
    const workflow = await exported(shop);
    shop.git('remote', 'add', 'origin', 'https://github.com/acme/shop.git');
    const event = path.join(folder.path, 'event.json');
    const runs = (head: string): boolean => {
      fs.writeFileSync(
        event,
        JSON.stringify({ pull_request: { head: { repo: { full_name: head } } }, repository: { full_name: 'acme/shop' } }),
      );
      const output = act(shop, workflow, 'pull_request', '--eventpath', event);
      return /Success - Main last\b/.test(output);
    };
    assert.deepEqual([runs('somebody/shop'), runs('acme/shop')], [true, false]);
  });
});
