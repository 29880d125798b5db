import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { parsePipeline } from '../../../../src/core/pipeline/parse';
import { serviceMetrics, type ServiceMetrics } from '../../../../src/core/metrics/service-metrics';
import type { CiRun } from '../../../../src/core/model/events';
import { Journal } from '../../../../src/core/history/journal';
import { keptRuns } from '../../../../src/core/runner/slots';
import { Delivery } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

const now = Date.UTC(2026, 10, 24, 12);
const dayMs = 86_400_000;
const staging = 'steps: {stage: {deploy: staging}}\nenvironments: {staging: {process: {command: node server.js}}}\n';

describe('serviceMetrics', () => {
  const folder = temporaryFolder();
  let shop: Project;
  let delivery: Delivery;
  beforeEach(async () => {
    shop = new Project(folder.path).commit();
    delivery = await Delivery.from(shop.root, shop.home);
  });

  /** Records a run that brought a commit live a number of days ago. */
  function delivered(
    id: string,
    daysAgo: number,
    environment: string,
    more: { engine?: CiRun; service?: string; again?: true } = {},
  ): void {
    const { engine, service = 'shop', again } = more;
    const at = new Date(now - daysAgo * dayMs).toISOString();
    const change = { commit: shop.git('rev-parse', 'HEAD').trim(), tree: '', subject: id, dirty: false };
    const journal = new Journal(path.join(delivery.home.runs, id), id);
    const facts = { service, change, steps: [], runner: { pid: 0, startedAt: '' }, folder: '', repository: shop.root, since: at };
    journal.append({ type: 'run-started', ...facts, ...(engine && { engine }) });
    const previous = again && { ...change, id: 'earlier', deployedAt: at };
    journal.append({ type: 'deployed', environment, service, url: '', release: { ...change, id, deployedAt: at }, previous });
    journal.append({ type: 'run-finished', outcome: 'passed' });
    journal.close();
  }

  async function measured(definition: string, days = 30): Promise<ServiceMetrics> {
    const { pipeline, errors } = parsePipeline(`service: shop\n${definition}`, 'delivery.yaml');
    assert.ok(pipeline, errors[0]?.message);
    const service = { folder: '', pipeline };
    const { repository, home } = delivery;
    const asking = { services: [service], tokens: async () => Promise.resolve(undefined), signal: new AbortController().signal };
    const answer = await serviceMetrics({ repository, home, service, ...asking, days, now });
    assert.ok(answer.ok);
    return answer.value;
  }

  it('measures the requested number of days', async () => {
    for (const days of [1, 5, 20, 40]) delivered(`run-${days}`, days, 'staging');
    assert.deepEqual([(await measured(staging)).deployments, (await measured(staging, 7)).deployments], [3, 2]);
    const { since, until } = await measured(staging, 7);
    assert.deepEqual([since, until], ['2026-11-17T12:00:00.000Z', '2026-11-24T12:00:00.000Z']);
  });

  it('counts repeated deliveries of the live commit in a note only', async () => {
    delivered('run-1', 3, 'staging');
    delivered('run-2', 2, 'staging', { again: true });
    delivered('run-3', 1, 'staging', { again: true });
    const { deployments, notes } = await measured(staging);
    assert.equal(deployments, 1);
    assert.ok(notes.includes('not counted: 2 repeated deployments of a commit that was live already'), notes.join('\n'));
  });

  it("measures only the service's own deliveries", async () => {
    delivered('run-1', 2, 'staging');
    delivered('run-2', 1, 'staging', { service: 'inventory' });
    assert.equal((await measured(staging)).deployments, 1);
  });

  it('measures the environment in `release`, or the last one with a note', async () => {
    const two =
      'steps: {stage: {deploy: staging}}\nenvironments: {staging: {process: {command: a}}, production: {process: {command: a}}}\n';
    delivered('run-1', 1, 'staging');
    assert.deepEqual((await measured(two)).environment, 'staging');
    assert.deepEqual(
      (await measured(two)).notes[0],
      'delivery.yaml names no `release`: staging is the last environment that the pipeline deploys to',
    );
    const named = await measured(`${two}release: production\n`);
    assert.deepEqual([named.environment, named.deployments, named.notes], ['production', 0, []]);
  });

  it('starts with the oldest kept journal and adds a note', async () => {
    for (let run = 0; run < keptRuns; run++) delivered(`run-${String(run).padStart(3, '0')}`, 10 - run / 100, 'staging');
    const { since, notes } = await measured(staging);
    assert.equal(since, '2026-11-14T12:00:00.000Z');
    assert.ok(notes.includes('since 2026-11-14 only: this machine keeps 200 runs'), notes.join('\n'));
  });

  it('separates process environments on the CI machine and on this one', async () => {
    const engine: CiRun = { name: 'github', label: 'GitHub Actions', place: 'acme/shop', id: '1', attempt: 1, branch: 'main' };
    delivered('run-1', 3, 'staging');
    delivered('run-2', 2, 'staging', { engine });
    delivered('run-3', 1, 'staging', { engine: { ...engine, id: '2' } });
    assert.equal((await measured(staging)).deployments, 1);
    const there = await measured(`${staging}engine: github\n`);
    assert.equal(there.deployments, 2);
    assert.ok(
      there.notes.some((note) =>
        /^not counted: 1 deployment to another staging: each machine has its own `process` environments$/.test(note),
      ),
    );
    assert.ok(there.notes.some((note) => /^deliveries by the rest of the team are missing: there is no remote/.test(note)));
  });

  it('adds a note if no service records deployments to a shared environment', async () => {
    const command = 'steps: {go: {deploy: production}}\nenvironments: {production: {command: {deploy: ./go}}}\n';
    const missing = (of: ServiceMetrics): string => of.notes.filter((note) => note.startsWith('deliveries by the rest')).join('\n');
    assert.match(missing(await measured(command)), /delivery.yaml names no `engine` that records deployments/);
    const jenkins = 'engine: {jenkins: {url: "http://127.0.0.1:1", job: shop}}\n';
    shop.git('remote', 'add', 'origin', 'https://git.example.com/acme/shop.git');
    assert.match(missing(await measured(command + jenkins)), /Jenkins keeps no record of deployments/);
    assert.equal(missing(await measured(staging)), '');
  });
});
