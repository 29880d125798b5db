import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { importExternalRuns } from '../../../../../src/core/ci/follow/external-runs';
import { ok, type CiClient, type RemoteRun } from '../../../../../src/core/ci/ci-client';
import type { CiName } from '../../../../../src/core/ci/ci-service';
import type { Pipeline } from '../../../../../src/core/model/pipeline';
import type { EventBody } from '../../../../../src/core/model/events';
import { Journal, readEvents } from '../../../../../src/core/history/journal';
import { ownIdentity } from '../../../../../src/core/process/process-identity';
import { listRuns, newRunId, runIds } from '../../../../../src/core/history/runs';
import type { RunState } from '../../../../../src/core/model/run-state';
import { readPipeline } from '../../../../../src/core/pipeline/read-pipeline';
import { releasableOf } from '../../../../../src/core/model/run-status';
import { Delivery } from '../../../../support/delivery';
import { Project } from '../../../../support/project';
import { temporaryFolder } from '../../../../support/temporary';

const day = 86_400_000;

describe('runs that others start on a CI service', () => {
  const folder = temporaryFolder();
  let shop: Project;
  let delivery: Delivery;
  let now: number;

  beforeEach(async () => {
    shop = new Project(folder.path);
    shop.steps({ build: 'make', test: { run: 'make test', needs: 'build' } }).commit('A shop');
    delivery = await Delivery.from(shop.root, shop.home);
    now = Date.now();
  });

  const head = (): string => shop.git('rev-parse', 'HEAD').trim();
  const theirs = (more: Partial<RemoteRun> = {}): RemoteRun => ({
    id: '7',
    attempt: 1,
    url: 'https://github.com/acme/shop/actions/runs/7',
    branch: 'main',
    commit: head(),
    subject: 'A change of hers',
    state: 'running',
    createdAt: new Date(now - 60_000).toISOString(),
    by: 'grace',
    isDefaultBranch: true,
    jobs: [],
    ...more,
  });
  const pipeline = (service: string): Pipeline =>
    ({
      service,
      environments: [],
      steps: [{ name: 'other', needs: [], outputs: [], env: {}, secrets: [], reports: [], retries: 0 }],
    }) as unknown as Pipeline;
  const adopt = async (runs: readonly RemoteRun[], service = 'shop', name: CiName = 'github'): Promise<void> => {
    const read: CiClient['read'] = async (id) =>
      Promise.resolve(
        id === '7' ? ok(theirs({ subject: 'CiResult when it is read' })) : { state: 'failed', reason: 'answer', message: 'no' },
      );
    const engine = { name, label: 'A service', place: 'acme/shop', logs: 'live', read } as unknown as CiClient;
    const { repository, home } = delivery;
    await importExternalRuns(
      { repository, home, readPipeline, engine, pipeline: pipeline(service), folder: '' },
      runs,
      new AbortController().signal,
      now,
    );
  };
  const known = (): RunState[] => listRuns(delivery.home);
  /** A run that this machine began, as far as it has got. */
  const begun = (id: string, ...events: EventBody[]): void => {
    const journal = new Journal(delivery.home.run(id), id);
    for (const event of events) journal.append(event);
    journal.close();
  };
  const begin = {
    service: 'shop',
    change: { commit: 'c'.repeat(40), tree: 'd'.repeat(40), subject: 'Mine', dirty: false },
    steps: [],
    runner: ownIdentity(),
  };
  const at = (branch: string, attempt = 1): EventBody => ({
    type: 'run-started',
    ...begin,
    folder: '',
    repository: shop.root,
    engine: { name: 'github', label: 'A service', place: 'acme/shop', id: '7', attempt, branch },
  });

  it('are asked for by themselves where the list says neither who began them nor with what', async () => {
    const { by, ...listed } = theirs({ subject: '' });
    await adopt([listed]);
    const [run] = known();
    assert.equal(run?.engine?.by, by);
    assert.equal(run?.change.subject, 'CiResult when it is read');
  });

  it('are told like those of this machine, with the steps of their own commit', async () => {
    await adopt([theirs()]);
    const [run] = known();
    assert.ok(run);
    assert.deepEqual(
      [run.outcome, run.change.subject, run.change.commit, run.change.dirty],
      ['running', 'A change of hers', head(), false],
    );
    assert.equal(run.change.tree, shop.git('rev-parse', 'HEAD^{tree}').trim());
    assert.deepEqual(
      run.steps.map(({ name, state }) => `${name} ${state}`),
      ['build waiting', 'test waiting'],
    );
    assert.deepEqual([run.engine?.id, run.engine?.by, run.engine?.heard?.state], ['7', 'grace', 'unfollowed']);
    assert.equal(run.startedAt, theirs().createdAt);
    assert.deepEqual(run.notices, []);
  });

  it('get one journal each, however often and by however many they are looked for', async () => {
    const two = [theirs({ id: '8' }), theirs()];
    await Promise.all([adopt(two), adopt(two)]);
    await adopt(two);
    assert.equal(known().length, 2);
    for (const id of runIds(delivery.home))
      assert.deepEqual(
        readEvents(`${delivery.home.run(id)}/journal.jsonl`).map(({ type }) => type),
        ['run-started'],
      );
    assert.deepEqual(
      fs.readdirSync(delivery.home.folder).filter((name) => name.startsWith('begun-')),
      [],
    );
  });

  it('get one for each service of a repository that a pipeline is of', async () => {
    await adopt([theirs()], 'shop', 'gitlab');
    await adopt([theirs()], 'mail', 'gitlab');
    assert.deepEqual(
      known()
        .map(({ service }) => service)
        .sort(),
      ['mail', 'shop'],
    );
  });

  it('are of each CI service', async () => {
    await adopt([theirs()], 'shop', 'github');
    await adopt([theirs()], 'shop', 'gitlab');
    assert.equal(known().length, 2);
  });

  it('stand among the others by the time when they began', async () => {
    const early = newRunId(new Date(now - 120_000));
    const late = newRunId(new Date(now));
    begun(early, { type: 'run-started', ...begin, folder: '', repository: shop.root });
    begun(late, { type: 'run-started', ...begin, folder: '', repository: shop.root });
    await adopt([theirs()]);
    const ids = known().map(({ id }) => id);
    assert.deepEqual([ids[0], ids[2]], [late, early]);
  });

  it('get another journal for another attempt, and none for one that is over', async () => {
    await adopt([theirs()]);
    await adopt([theirs({ attempt: 2 })]);
    assert.deepEqual(
      known()
        .map(({ engine }) => engine?.attempt)
        .sort(),
      [1, 2],
    );
    await adopt([theirs({ id: '9', attempt: 1 }), theirs({ id: '9', attempt: 2 })]);
    assert.deepEqual(
      known()
        .filter(({ engine }) => engine?.id === '9')
        .map(({ engine }) => engine?.attempt),
      [2],
    );
  });

  it('say so where their commit is not here', async () => {
    await adopt([theirs({ commit: 'f'.repeat(40) })]);
    const [run] = known();
    assert.match(run?.notices.join() ?? '', /ffffffff is not in this repository: git fetch brings it/);
    // What its steps are is not known then: those that are defined here now stand for them.
    assert.deepEqual(
      run?.steps.map(({ name }) => name),
      ['other'],
    );
  });

  it('are not told where they are old, and of many the newest', async () => {
    await adopt([theirs({ createdAt: new Date(now - 15 * day).toISOString() })]);
    assert.equal(known().length, 0);
    await adopt(
      Array.from({ length: 30 }, (_, ago) => theirs({ id: String(100 - ago), createdAt: new Date(now - ago * 1000).toISOString() })),
    );
    assert.equal(known().length, 10);
    assert.equal(known()[0]?.engine?.id, '100');
    assert.equal(known().at(-1)?.engine?.id, '91');
  });

  it('show no letters that change what stands around them, and one line', async () => {
    await adopt([theirs({ subject: '\u001b[31mRed\u202e\nand more' })]);
    assert.equal(known()[0]?.change.subject, '[31mRed');
  });

  describe('and one that this machine started', () => {
    const own = (): { id: string; branch: string } => {
      const id = newRunId(new Date(now - 1000));
      return { id, branch: `deliver/shop-${id}` };
    };

    it('is not taken for one of theirs while it is begun: its own process is about to say which it is', async () => {
      const { id, branch } = own();
      begun(id, { type: 'run-queued', ...begin, handedTo: 'A service' });
      await adopt([theirs({ branch, isDefaultBranch: false })]);
      assert.deepEqual(runIds(delivery.home), [id]);
    });

    it('is told all the same where its own process was killed before it could say which it is', async () => {
      const { id, branch } = own();
      begun(id, { type: 'run-queued', ...begin, handedTo: 'A service' }, { type: 'run-finished', outcome: 'interrupted' });
      await adopt([theirs({ branch, isDefaultBranch: false })]);
      assert.equal(runIds(delivery.home).length, 2);
    });

    it('nor when it is known, also by another id, as of an item of a queue that became a build', async () => {
      const { id, branch } = own();
      begun(id, at(branch));
      await adopt([theirs({ branch, isDefaultBranch: false }), theirs({ id: 'build:9', branch, isDefaultBranch: false })]);
      assert.deepEqual(runIds(delivery.home), [id]);
    });

    it('is theirs where somebody else runs it again', async () => {
      const { id, branch } = own();
      begun(id, at(branch), { type: 'run-finished', outcome: 'failed' });
      await adopt([theirs({ branch, attempt: 2, isDefaultBranch: false })]);
      assert.equal(known().length, 2);
      assert.equal(known().find((run) => run.id !== id)?.engine?.attempt, 2);
    });

    it('is not theirs where it is run again from here', async () => {
      const { id, branch } = own();
      const again = newRunId(new Date(now));
      begun(id, at(branch), { type: 'run-finished', outcome: 'failed' });
      begun(again, { type: 'run-queued', ...begin, handedTo: 'A service' });
      await adopt([theirs({ branch, attempt: 2, isDefaultBranch: false })]);
      assert.deepEqual(runIds(delivery.home), [again, id]);
    });

    it('is theirs where another machine has it: the branch is one of Deliver’s, the run is unknown here', async () => {
      await adopt([theirs({ branch: own().branch, isDefaultBranch: false })]);
      assert.deepEqual(
        known().map(({ change }) => change.dirty),
        [true],
      );
    });
  });

  describe('say of whether the service can be released', () => {
    const ended = (outcome: 'passed' | 'failed'): void => {
      for (const { id, outcome: before } of known()) if (before === 'running') begun(id, { type: 'run-finished', outcome });
    };

    it('what a delivery from here would, on the branch that everybody delivers from', async () => {
      await adopt([theirs()]);
      ended('passed');
      assert.deepEqual([releasableOf(known()).yes, releasableOf(known()).commit], [true, head()]);
      await adopt([theirs({ id: '8', createdAt: new Date(now).toISOString() })]);
      ended('failed');
      assert.equal(releasableOf(known()).yes, false);
    });

    it('nothing on another branch, or where that is not known', async () => {
      await adopt([theirs()]);
      ended('passed');
      const { isDefaultBranch, ...unsaid } = theirs({ id: '9', createdAt: new Date(now).toISOString() });
      await adopt([theirs({ id: '8', branch: 'topic', isDefaultBranch: false, createdAt: new Date(now).toISOString() }), unsaid]);
      assert.equal(isDefaultBranch, true);
      ended('failed');
      assert.deepEqual(
        known().map(({ engine }) => engine?.isAside ?? false),
        [true, true, false],
      );
      assert.equal(releasableOf(known()).yes, true);
    });
  });
});
