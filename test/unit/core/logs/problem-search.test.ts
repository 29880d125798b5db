import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { LogPart } from '../../../../src/core/logs/log-problems';
import type { PatternMatcher } from '../../../../src/core/logs/matchers/pattern';
import { ProblemSearch } from '../../../../src/core/logs/problem-search';
import { temporaryFolder } from '../../../support/temporary';

describe('the search in a log file', () => {
  const folder = temporaryFolder();
  let search: ProblemSearch;
  beforeEach(() => (search = new ProblemSearch(path.resolve('dist/problem-worker.js'))));
  afterEach(() => search.dispose());

  const write = (text: string): string => {
    const file = path.join(folder.path, 'step.log');
    fs.writeFileSync(file, text);
    return file;
  };
  const whole = (file: string): LogPart => ({ file, from: 0, to: Infinity });
  const own = (name: string, regexp: RegExp): PatternMatcher => ({ name, patterns: [{ regexp, file: 1, line: 2, message: 3 }] });

  it('finds the problems of a small log and of a large one', async () => {
    const error = 'src/a.ts(7,9): error TS2322: wrong\n';
    for (const filler of ['', 'an ordinary line\n'.repeat(20_000)]) {
      const { problems, more } = await search.find(whole(write(filler + error)), { own: [] });
      assert.deepEqual(
        problems.map(({ file, line }) => [file, line]),
        [['src/a.ts', 7]],
      );
      assert.equal(more, 0);
    }
  });

  it('looks at what was printed since an attempt began', async () => {
    const before = 'src/old.ts(1,1): error TS1: old\n';
    const log = write(`${before}src/new.ts(2,2): error TS2: new\n`);
    const { problems } = await search.find({ ...whole(log), from: Buffer.byteLength(before) }, { own: [] });
    assert.deepEqual(
      problems.map(({ file }) => file),
      ['src/new.ts'],
    );
  });

  it('keeps a thousand, and says how many more there are', async () => {
    const { problems, more } = await search.find(whole(write('a.ts(1,1): error TS1: no\n'.repeat(1234))), { own: [] });
    assert.equal(problems.length, 1000);
    assert.equal(more, 234);
  });

  it('gives up a matcher that takes too long for a line, names it, and goes on with the others', async () => {
    const log = write(`start\n${'a'.repeat(40)}!\nx.c:3: broken\n`);
    const matchers = [own('slow', /^(a+)+$/), own('good', /^(\S+):(\d+): (.+)$/)];
    const { problems, notices } = await search.find(whole(log), { builtIn: [], own: matchers });
    assert.deepEqual(
      problems.map(({ source, file, line }) => [source, file, line]),
      [['good', 'x.c', 3]],
    );
    assert.deepEqual(notices, ['the problem matcher slow took longer than 500 ms for line 2 of the log, and was left out']);
  });

  it('only runs what a step names', async () => {
    const log = write('src/a.ts(7,9): error TS2322: wrong\nx.c:3:1: error: broken\n');
    const { problems } = await search.find(whole(log), { builtIn: ['gcc'], own: [] });
    assert.deepEqual(
      problems.map(({ source }) => source),
      ['gcc'],
    );
  });
});
