import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PlacesNow } from '../../../../src/core/location/places-now';
import { openRepository } from '../../../../src/core/git/repository';
import { EnvironmentFiles } from '../../../../src/core/environments/process/state-file';
import { type PlacedItem, confidenceText } from '../../../../src/core/feedback/placed-item';
import { ServiceFeedback, type FeedbackState } from '../../../../src/core/feedback/service-feedback';
import { RepositoryHome } from '../../../../src/core/support/home';
import { parsePipeline } from '../../../../src/core/pipeline/parse';
import type { RunState } from '../../../../src/core/model/run-state';
import { deliveredRun } from '../../../support/delivered';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

const definition = `service: shop
steps:
  stage: {deploy: staging}
environments:
  staging: {process: {command: node server.js}}
  production: {process: {command: node server.js}}
feedback:
  components: {prices: [src/prices.js], pages: src/pages/}
`;
const window = { deliveries: 5, days: 14 };
const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `const line${from + i} = ${from + i};\n`).join('');

describe('ServiceFeedback', () => {
  const folder = temporaryFolder();
  let project: Project;
  let service: ServiceFeedback;
  let runs: RunState[];
  let items: Record<string, unknown>[];

  beforeEach(async () => {
    project = new Project(folder.path).write('delivery.yaml', definition);
    runs = [];
    items = [];
    project.write('src/cart.js', numbered(1, 20)).write('src/prices.js', numbered(1, 9)).write('src/pages/a.js', numbered(1, 9));
    commit('Begin', 72);
    await open();
  });

  async function open(): Promise<void> {
    const repository = await openRepository(project.root);
    assert.ok(repository.ok);
    const home = new RepositoryHome(project.home, repository.value.commonGitFolder);
    const { pipeline } = parsePipeline(definition, 'delivery.yaml');
    assert.ok(pipeline);
    const placesNow = new PlacesNow(repository.value, home);
    const tokens = async (): Promise<undefined> => Promise.resolve(undefined);
    service = await ServiceFeedback.open({
      repository: repository.value,
      home,
      folder: '',
      pipeline,
      placesNow,
      tokens,
      proxy: 'environment',
    });
  }

  const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
  function commit(subject: string, hours: number): string {
    project.git('add', '-A');
    const date = hoursAgo(hours);
    project.git('-c', `user.email=${subject.length}@example.com`, 'commit', '-q', '-m', subject, '--date', date);
    return project.git('rev-parse', 'HEAD').trim();
  }
  function deliver(commitId: string, hours: number, more: Partial<Parameters<typeof deliveredRun>[1]> = {}): void {
    runs.unshift(deliveredRun(`run${runs.length}`, { commit: commitId, at: hoursAgo(hours), ...more }));
  }
  function change(subject: string, hours: number, file = 'src/cart.js', from = 'line10 = 10', to = 'line10 = "ten"'): string {
    const text = fs.readFileSync(path.join(project.root, file), 'utf8');
    assert.ok(text.includes(from));
    project.write(file, text.replace(from, to));
    return commit(subject, hours);
  }
  /** Returns an item that names the live commit by default. */
  function say(more: Record<string, unknown>): void {
    items.push({
      id: `i${items.length}`,
      kind: 'error',
      title: `Item ${items.length}`,
      createdAt: hoursAgo(0.5),
      commit: runs[0]?.change.commit,
      ...more,
    });
  }
  async function state(): Promise<FeedbackState> {
    const file = new EnvironmentFiles(project.home, 'staging').feedback('shop');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, items.map((item) => `${JSON.stringify(item)}\n`).join(''));
    await service.refresh(0, new AbortController().signal);
    const answer = await service.state(runs, window);
    assert.ok(answer.ok);
    return answer.value;
  }
  const inOrder = ({ items: all }: FeedbackState): PlacedItem[] => [...all].sort((a, b) => (a.item.id < b.item.id ? -1 : 1));
  const subjectOf = ({ recent }: FeedbackState, { change: on }: PlacedItem): string | undefined =>
    recent.changes.find(({ commit: id }) => id === on?.commit)?.subject;
  async function placed(): Promise<string[]> {
    const now = await state();
    return inOrder(now).map((item) => {
      const places = item.places.map((place) => [place.path, place.line, confidenceText(place)].filter(Boolean).join(' '));
      return `${places.join(', ') || 'nowhere'} | ${subjectOf(now, item) ?? 'no change'}${item.change ? ` by ${item.change.by}` : ''}`;
    });
  }

  it("places an item at its stack's first line in own code and at the change of that line", async () => {
    deliver(project.git('rev-parse', 'HEAD').trim(), 60);
    deliver(change('Spell it', 2), 1);
    say({
      frames: [
        { path: '/app/node_modules/express/router.js', line: 3 },
        { path: 'node:internal/x', line: 1 },
        { path: '/app/src/cart.js', line: 10 },
      ],
    });
    say({
      frames: [
        { path: 'src/pages/a.js', line: 2, inApp: false },
        { path: 'src/cart.js', line: 11, inApp: true },
      ],
    });
    assert.deepEqual(await placed(), ['src/cart.js 10 | Spell it by line', 'src/cart.js 11 | Begin by line']);
  });

  it('follows a line through later edits and reports edited and removed lines', async () => {
    deliver(change('Spell it', 2), 1);
    say({ frames: [{ path: 'src/cart.js', line: 10 }] });
    say({ frames: [{ path: 'src/cart.js', line: 15 }] });
    say({ frames: [{ path: 'src/cart.js', line: 19 }] });
    const text = fs.readFileSync(path.join(project.root, 'src/cart.js'), 'utf8');
    project.write('src/cart.js', `// new\n${text.replace('const line15 = 15;\n', '').replace('line19 = 19', 'line19 = 1900')}`);
    const [ten, fifteen, nineteen] = await placed();
    assert.equal(ten, 'src/cart.js 11 | Spell it by line');
    assert.equal(fifteen, 'src/cart.js edited since delivery: the line is gone | Spell it by file');
    assert.equal(nineteen, 'src/cart.js 19 approximate: edited since delivery | Spell it by file');
  });

  it('places an item by the stack trace in its text', async () => {
    deliver(change('Spell it', 2), 1);
    const line = 'at total (/usr/src/app/src/cart.js:10:3)';
    say({ body: `It crashes:\n\`\`\`\nError: no\n    at next (/usr/src/app/node_modules/x/cart.js:3:1)\n    ${line}\n\`\`\`` });
    say({ body: 'PHP Fatal error: no in C:\\app\\src\\cart.js(10)' });
    say({ body: 'webpack://shop/./src/cart.js:10 and https://example.com/src/prices.js:3' });
    say({ body: 'the page /src/cart.js is broken, see /other/prices.js:3' });
    assert.deepEqual(await placed(), [...Array<string>(3).fill('src/cart.js 10 | Spell it by line'), 'nowhere | Spell it by delivery']);
  });

  it('places an item by mentioned files, by component, or at the change', async () => {
    deliver(project.git('rev-parse', 'HEAD').trim(), 60);
    change('Prices', 3, 'src/prices.js', 'line3 = 3', 'line3 = 30');
    deliver(change('Spell it', 2), 1);
    say({ body: 'look at src/cart.js:10' });
    say({ component: 'prices' });
    say({ component: 'pages' });
    say({ component: 'shipping' });
    assert.deepEqual(await placed(), [
      'src/cart.js 10 | Spell it by line',
      'src/prices.js 3 by its component | Prices by component',
      'src/pages/a.js 1 by its component | Begin by component',
      'nowhere | Spell it by delivery',
    ]);
  });

  it('places an item in files of its owners', async () => {
    project.write('CODEOWNERS', '/src/pages/ @acme/web\n');
    deliver(project.git('rev-parse', 'HEAD').trim(), 60);
    change('Pages', 3, 'src/pages/a.js', 'line4 = 4', 'line4 = 40');
    deliver(change('Spell it', 2), 1);
    say({ component: '@acme/web' });
    say({ component: 'web' });
    assert.deepEqual(await placed(), Array(2).fill('src/pages/a.js 4 by its owners | Pages by owner'));
  });

  it('applies source maps of a build while the slot contains that delivery', async () => {
    const slot = path.join(folder.path, 'slots', '1', 'shop');
    const map = { version: 3, sources: ['../src/cart.js'], names: [], mappings: 'AASA' };
    const comment = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
    fs.mkdirSync(path.join(slot, 'dist'), { recursive: true });
    fs.writeFileSync(path.join(slot, 'dist', 'app.js'), `built()\n${comment}\n`);
    const use = path.join(slot, '..', 'use.json');
    fs.writeFileSync(use, JSON.stringify({ service: 'shop', run: 'run0', at: '2026-11-01T10:00:00Z' }));
    deliver(change('Spell it', 2), 1, { slot });
    say({ frames: [{ path: path.join(slot, 'dist', 'app.js'), line: 1 }] });
    assert.deepEqual(await placed(), ['src/cart.js 10 | Spell it by line']);
    fs.writeFileSync(use, JSON.stringify({ service: 'shop', run: 'another', at: '2026-11-01T10:00:00Z' }));
    await open();
    assert.deepEqual(await placed(), ['nowhere | Spell it by delivery']);
  });

  it('never attributes an item to a later or undelivered change', async () => {
    const first = project.git('rev-parse', 'HEAD').trim();
    deliver(first, 60);
    deliver(change('Spell it', 30), 24);
    say({ createdAt: hoursAgo(40), commit: first, frames: [{ path: 'src/cart.js', line: 10 }] });
    // It names the new release, but is older than it.
    say({ createdAt: hoursAgo(40), frames: [{ path: 'src/cart.js', line: 10 }] });
    // Committed but not delivered.
    change('Later', 20, 'src/cart.js', 'line12 = 12', 'line12 = 120');
    say({ frames: [{ path: 'src/cart.js', line: 12 }] });
    say({ createdAt: 'some day', frames: [{ path: 'src/cart.js', line: 10 }] });
    const all = await placed();
    assert.ok(!all.some((one) => one.includes('Later')));
    assert.ok(!all[0]?.includes('Spell it') && !all[1]?.includes('Spell it') && !all[3]?.includes('Spell it'), all.join('\n'));
    assert.equal(all[2], 'src/cart.js 12 approximate: edited since delivery | Spell it by file');
  });

  it('finds the running release by ledger, commit id, tag or time, and reports unknown releases', async () => {
    const first = project.git('rev-parse', 'HEAD').trim();
    project.git('tag', 'v1.2.3');
    const second = change('Spell it', 30);
    deliver(second, 24);
    const frames = [{ path: 'src/cart.js', line: 3 }];
    say({ commit: second.slice(0, 8), frames });
    say({ commit: `shop@${first}`, frames });
    say({ commit: 'shop@1.2.3', frames });
    say({ commit: undefined, frames });
    say({ commit: undefined, createdAt: hoursAgo(30), frames });
    say({ commit: 'f'.repeat(40), frames });
    say({ commit: '--upload-pack=x', frames });
    const all = inOrder(await state());
    const by = all.map(({ running }) => (!running ? 'nothing' : 'unknown' in running ? 'unknown' : running.by));
    assert.deepEqual(by, ['ledger', 'commit', 'tag', 'time', 'nothing', 'unknown', 'unknown']);
    // The release that was live at the time is no proof.
    assert.equal(all[3]?.places[0]?.confidence, 'inferred');
    assert.deepEqual(all[5]?.places, []);
  });

  it('places nothing outside the repository and no nonexistent line', async () => {
    deliver(change('Spell it', 2), 1);
    for (const file of ['../../etc/passwd', '/etc/passwd', 'src/../../x.js', 'src/cart.js\0', 'C:\\windows\\x.js'])
      say({ frames: [{ path: file, line: 1 }] });
    say({ frames: [{ path: 'src/cart.js', line: 400 }] });
    say({ frames: [{ path: 'src/cart.js', line: -4 }] });
    const all = inOrder(await state());
    const places = all.map((item) => item.places.map(({ path: file, line }) => `${file}:${line ?? ''}`).join());
    assert.deepEqual(places, ['', '', '', '', '', 'src/cart.js:', 'src/cart.js:']);
  });

  it('shows the fix when a commit names the item, and its delivery', async () => {
    deliver(change('Spell it', 3), 2);
    say({ id: 'bug-7', createdAt: hoursAgo(1.5), frames: [{ path: 'src/cart.js', line: 10 }] });
    assert.equal((await state()).items[0]?.fix, undefined);
    const fix = change('Mend bug-7', 1, 'src/cart.js', '"ten"', '10');
    assert.deepEqual((await state()).items[0]?.fix, { commit: fix, subject: 'Mend bug-7' });
    deliver(fix, 0.4);
    const { environment, at } = (await state()).items[0]?.fix?.delivered ?? {};
    assert.deepEqual([environment, at], ['staging', runs[0]?.deployments[0]?.release.deployedAt]);
    // The fix stays known after its change is no longer recent, also in another window.
    await open();
    runs = runs.map((run) => ({ ...run, deployments: [] }));
    assert.equal((await state()).items[0]?.fix?.commit, fix);
  });

  it('places an item again only if its file changes', async () => {
    deliver(change('Spell it', 2), 1);
    say({ frames: [{ path: 'src/cart.js', line: 10 }] });
    const settled = new Date(Date.now() - 60_000);
    fs.utimesSync(path.join(project.root, 'src/cart.js'), settled, settled);
    assert.match((await placed())[0] ?? '', /^src\/cart.js 10 /);
    project.write('src/cart.js', `\n\n${fs.readFileSync(path.join(project.root, 'src/cart.js'), 'utf8')}`);
    assert.match((await placed())[0] ?? '', /^src\/cart.js 12 /);
  });

  describe('RecentDeliveryHistory', () => {
    const told = ({ recent }: FeedbackState): string[] =>
      recent.changes.map(({ subject, deliveries, isUncommitted }) => {
        const where = deliveries.map(({ environment, isLive }) => `${environment ?? ''}${isLive ? '' : ' once'}`).join(', ');
        return `${isUncommitted ? 'uncommitted' : subject}: ${where || 'waiting'}`;
      });

    it('lists delivered and waiting changes', async () => {
      deliver(project.git('rev-parse', 'HEAD').trim(), 60);
      deliver(project.git('rev-parse', 'HEAD').trim(), 59, { environment: 'production' });
      deliver(change('Spell it', 30), 24);
      const second = change('Prices', 20, 'src/prices.js', 'line3 = 3', 'line3 = 30');
      deliver(second, 19);
      deliver(second, 18, { environment: 'production' });
      change('Later', 1, 'src/cart.js', 'line12 = 12', 'line12 = 120');
      project.write('src/new.js', 'new').write('delivery.yaml', `${definition}\n`);
      const now = await state();
      assert.deepEqual(told(now).slice(0, 3), ['Later: waiting', 'Prices: production, staging', 'Spell it: production, staging']);
      assert.deepEqual([...now.recent.uncommitted].sort(), ['delivery.yaml', 'src/new.js']);
    });

    it('marks a rolled-back change as no longer live', async () => {
      const first = project.git('rev-parse', 'HEAD').trim();
      deliver(first, 60);
      deliver(change('Spell it', 30), 24);
      deliver(first, 2);
      assert.equal(told(await state())[0], 'Spell it: staging once');
    });

    it('lists only changes within the window', async () => {
      deliver(project.git('rev-parse', 'HEAD').trim(), 100);
      for (let at = 1; at <= 9; at++)
        deliver(change(`Change ${at}`, 50 - at, 'src/cart.js', `line${at} = ${at};`, `line${at} = -${at};`), 40 - at);
      assert.deepEqual(
        (await state()).recent.changes.map(({ subject }) => subject),
        ['Change 9', 'Change 8', 'Change 7', 'Change 6', 'Change 5'],
      );
    });

    it('lists delivered uncommitted changes until they are committed', async () => {
      const base = project.git('rev-parse', 'HEAD').trim();
      deliver(base, 60);
      project.write('src/cart.js', numbered(1, 19));
      project.git('add', '-A');
      const tree = project.git('write-tree').trim();
      const snapshot = project.git('commit-tree', tree, '-p', base, '-m', 'Snapshot').trim();
      deliver(snapshot, 1, { dirty: { base, tree } });
      assert.deepEqual(told(await state())[0], 'uncommitted: staging');
      commit('Now it is', 0.5);
      assert.deepEqual(told(await state())[0], 'Now it is: staging');
    });

    it('supports a rewritten history', async () => {
      deliver(project.git('rev-parse', 'HEAD').trim(), 60);
      change('One', 3);
      change('Two', 2, 'src/cart.js', 'line12 = 12', 'line12 = 120');
      assert.deepEqual(told(await state()), ['Two: waiting', 'One: waiting', 'Begin: staging']);
      project.git('commit', '-q', '--amend', '-m', 'Two, better');
      assert.deepEqual(told(await state()), ['Two, better: waiting', 'One: waiting', 'Begin: staging']);
      project.git('reset', '-q', '--hard', 'HEAD~1');
      assert.deepEqual(told(await state()), ['One: waiting', 'Begin: staging']);
    });

    it('returns nothing for a repository without commits', async () => {
      const empty = new Project(path.join(folder.path, 'empty'), 'shop');
      project = empty.write('delivery.yaml', definition);
      await open();
      assert.deepEqual((await state()).recent.changes, []);
    });
  });
});
