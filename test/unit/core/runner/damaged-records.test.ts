import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { readCiRecord } from '../../../../src/core/ci/ci-record';
import { readEnvironments } from '../../../../src/core/environments/environments';
import { findControl } from '../../../../src/core/environments/process/control';
import { EnvironmentFiles, readState } from '../../../../src/core/environments/process/state-file';
import { recordedStatus, ServiceRecords } from '../../../../src/core/environments/recorded/service-record';
import { readEvents } from '../../../../src/core/history/journal';
import { readRun, readSlotUse } from '../../../../src/core/history/runs';
import { foldAll } from '../../../../src/core/model/run-state';
import { KnownPipelines } from '../../../../src/core/pipeline/known';
import { lockHolder, tryLock } from '../../../../src/core/process/lock';
import { currentIdentity } from '../../../../src/core/process/process-identity';
import { StepCache, tidyArchives } from '../../../../src/core/runner/cache';
import { RepositoryHome } from '../../../../src/core/support/home';
import { temporaryFolder } from '../../../support/temporary';

/** The content that a crash, a full disk or an editor may leave in a record. */
const nonsense = [
  '',
  '{}',
  '[]',
  'null',
  '5',
  '"text"',
  '{"services":',
  '{"services":[null]}',
  '{"services":[{"service":"web"}]}',
  '\0\0\0\0',
];
const release = '{"id":"r","commit":"c","tree":"t","deployedAt":"2026-01-01T00:00:00Z"}';

describe('a record that holds nonsense', () => {
  const folder = temporaryFolder();
  const file = (...names: string[]): string => {
    const place = path.join(folder.path, ...names);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    return place;
  };

  for (const content of nonsense) {
    const shown = JSON.stringify(content);

    it(`is nobody's lock: ${shown}`, () => {
      fs.writeFileSync(file('a.lock'), content);
      assert.equal(lockHolder(file('a.lock')), undefined);
      const lock = tryLock(file('a.lock'), currentIdentity());
      assert.ok(lock.ok);
      lock.release();
    });

    it(`is named as the damaged state of an environment: ${shown}`, () => {
      const files = new EnvironmentFiles(folder.path, 'staging');
      fs.writeFileSync(file('environments', 'staging', 'state.json'), content);
      fs.writeFileSync(files.control, content);
      assert.equal(readState(files), undefined);
      assert.equal(findControl(files), undefined);
      assert.equal(readEnvironments(folder.path)[0]?.failure, `${files.state} is damaged: the next delivery creates it again`);
    });

    it(`is named as the damaged record of a service: ${shown}`, () => {
      const records = new ServiceRecords(folder.path, 'production');
      fs.writeFileSync(file('environments', 'production', 'web.service.json'), content);
      fs.writeFileSync(file('environments', 'production', 'observed.json'), content);
      assert.throws(() => records.read('web'), { message: `${records.file('web')} is damaged: it does not contain what Deliver writes` });
      assert.equal(records.observation(), undefined);
      assert.match(recordedStatus(records)[0]?.reason ?? '', /its record cannot be read/);
    });

    it(`is a cache miss: ${shown}`, async () => {
      const cache = new StepCache(path.join(folder.path, 'cache'), path.join(folder.path, 'fingerprints'), folder.path);
      fs.writeFileSync(file('cache', 'k.json'), content);
      fs.writeFileSync(file('fingerprints', 'build.json'), content);
      assert.equal(await cache.recall('build', 'k', ['dist/**']), undefined);
      fs.writeFileSync(file('definitions', 'blob-1.json'), content);
      assert.equal(new KnownPipelines(path.join(folder.path, 'definitions'), '1').recall('blob'), undefined);
    });

    it(`says nothing about a slot and a CI service: ${shown}`, () => {
      fs.writeFileSync(file('use.json'), content);
      assert.equal(readSlotUse(file('use.json')), undefined);
      fs.writeFileSync(file('engines', 'web.json'), content);
      assert.equal(readCiRecord(new RepositoryHome(folder.path, '/shop/.git', folder.path), 'web'), undefined);
    });
  }

  it('is skipped in a journal', () => {
    const head = '"at":"2026-01-01T00:00:00Z","run":"r1"';
    const change = '"change":{"commit":"c","tree":"t","subject":"s"}';
    const start = `{"type":"run-started",${head},"service":"web",${change},"steps":[{"name":"a","needs":[],"kind":"run"}],"runner":{"pid":1,"startedAt":"1"},"folder":""}`;
    const lines = [
      ...nonsense,
      `{"type":"run-started",${head}}`,
      `{"type":"run-started",${head},"service":"web","change":null,"steps":[null],"runner":{}}`,
      start.replace('2026-01-01T00:00:00Z', 'never'),
      start,
      `{"type":"deployed",${head},"environment":"s","service":"web","url":"u","release":{}}`,
      `{"type":"deployed",${head},"environment":"s","service":"web","url":"u","release":${release}}`,
      `{"type":"step-finished",${head},"step":"a","state":"great"}`,
      `{"type":"step-found",${head},"step":null}`,
      `{"type":"problem",${head},"step":"a"}`,
      `{"type":"notice",${head},"message":{}}`,
      `{"type":"unknown",${head}}`,
    ];
    const journal = file('r1', 'journal.jsonl');
    fs.writeFileSync(journal, lines.join('\n'));
    const types = readEvents(journal).map(({ type }) => String(type));
    assert.deepEqual(types, ['run-started', 'deployed', 'unknown']);
    assert.equal(foldAll(undefined, readEvents(journal))?.deployments.length, 1);
    assert.equal(readRun(path.dirname(journal))?.outcome, 'interrupted');
  });
});

describe('unfinished entries of the cache', () => {
  const folder = temporaryFolder();
  const write = (name: string, size: number): void => fs.writeFileSync(path.join(folder.path, name), Buffer.alloc(size));

  it('are removed once the process that wrote them has ended', () => {
    write(`dead.${2 ** 22 + 1}.draft`, 10);
    write(`alive.${process.pid}.draft`, 10);
    tidyArchives(folder.path, 100);
    assert.deepEqual(fs.readdirSync(folder.path), [`alive.${process.pid}.draft`]);
  });

  it('count in the size of the cache', () => {
    write('old.tar', 40);
    fs.utimesSync(path.join(folder.path, 'old.tar'), 1, 1);
    write('new.tar', 40);
    write(`alive.${process.pid}.draft`, 40);
    tidyArchives(folder.path, 100);
    assert.deepEqual(fs.readdirSync(folder.path).sort(), [`alive.${process.pid}.draft`, 'new.tar']);
  });
});
