import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { findInLog } from '../../../../src/core/logs/log-problems';
import { ProblemList } from '../../../../src/core/logs/problem-reporter';
import { PathResolver } from '../../../../src/core/location/path-resolver';
import { TreePaths } from '../../../../src/core/location/tree-paths';

const samples = path.join(__dirname, '../../../fixtures/logs');

/** Returns the problems that a delivery records for a log, one on a line: the place, the severity unless it is error, the message. */
async function problemsOf(sample: string): Promise<string> {
  const read = (name: string): string => fs.readFileSync(path.join(samples, sample, name), 'utf8');
  const files = read('files').split('\n').filter(Boolean);
  const folder = fs.existsSync(path.join(samples, sample, 'folder')) ? read('folder').trim() : undefined;
  const resolver = new PathResolver({ folder: '', repository: '/work/shop', isElsewhere: true }, async () =>
    Promise.resolve(new TreePaths(files)),
  );
  const list = new ProblemList('failed');
  const { problems } = findInLog({ file: path.join(samples, sample, 'log'), from: 0, to: Infinity }, { own: [] });
  for (const found of problems) {
    const whole = { ...(folder !== undefined && { folder }), ...found };
    list.add(whole, await resolver.place(whole), await resolver.filesOnStack(whole));
  }
  return list
    .all()
    .map((problem) => {
      const place = [problem.path, problem.line, problem.column].filter((part) => part !== undefined).join(':');
      const severity = problem.severity === 'error' ? [] : [problem.severity];
      return `${[place === '' ? '-' : place, ...severity, problem.message.replace(/\n/g, '\\n')].join(' ')}\n`;
    })
    .join('');
}

/** The output of tools, with the files of the delivered tree and the problems in it. `UPDATE_GOLDEN=1` rewrites the problems. */
describe('the problems in the log of', () => {
  for (const sample of fs.readdirSync(samples)) {
    it(sample, async () => {
      const truth = path.join(samples, sample, 'truth');
      const found = await problemsOf(sample);
      if (process.env['UPDATE_GOLDEN'] !== undefined) fs.writeFileSync(truth, found);
      assert.equal(found, fs.readFileSync(truth, 'utf8'));
    });
  }
});
