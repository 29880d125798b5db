import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { diffLines, parseHunks, splitLines, type Hunk } from '../../../../src/core/location/diff-lines';
import { LineMap } from '../../../../src/core/location/line-map';
import { unpackSample } from '../../../../src/core/runner/sample';
import { git } from '../../../support/delivery';
import { temporaryFolder } from '../../../support/temporary';

const own = path.resolve(__dirname, '..', '..', '..', '..');
const pairsOfCommits = 15;
const filesOfPair = 5;
const linesOfFile = 8;

interface Pair {
  readonly path: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly gitHunks: readonly Hunk[];
}

/** Returns pseudo-random numbers that are the same in every run: mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Returns files that differ between two commits, with git's hunks. */
function changedFiles(root: string, older: string, newer: string, choose: (below: number) => number): Pair[] {
  const args = ['diff', '--raw', '--no-abbrev', '-M', '-z', '--diff-filter=MR', older, newer];
  const fields = git(root, ...args).split('\0');
  const changed: { path: string; from: string; to: string }[] = [];
  for (let at = 0; at + 1 < fields.length;) {
    const [, , from = '', to = '', status = ''] = (fields[at] ?? '').split(' ');
    changed.push({ path: fields[at + 1] ?? '', from, to });
    at += status.startsWith('R') ? 3 : 2;
  }
  const texts = changed.filter(({ path: name }) => /\.(ts|js|mjs|json|md|yaml|yml|html|css)$/.test(name) && !name.includes('lock'));
  const chosen = Array.from({ length: Math.min(filesOfPair, texts.length) }, () => texts.splice(choose(texts.length), 1)).flat();
  return chosen.map(({ path: name, from, to }) => ({
    path: `${older.slice(0, 8)}:${name}`,
    before: splitLines(git(root, 'cat-file', 'blob', from)),
    after: splitLines(git(root, 'cat-file', 'blob', to)),
    gitHunks: parseHunks(git(root, 'diff', '--no-ext-diff', '-U0', from, to)),
  }));
}

interface Tally {
  exact: number;
  edited: number;
  approximate: number;
  gone: number;
  sameNumber: number;
  lines: number;
}

function follow(root: string): Record<'git' | 'own', Tally> {
  const choose = random(20_261_123);
  const tally = (): Tally => ({ exact: 0, edited: 0, approximate: 0, gone: 0, sameNumber: 0, lines: 0 });
  const tallies = { git: tally(), own: tally() };
  const commits = git(root, 'rev-list', '--first-parent', 'HEAD').split('\n').reverse();
  for (let count = 0; count < pairsOfCommits; count++) {
    const older = choose(commits.length - 1);
    const newer = older + 1 + choose(commits.length - 1 - older);
    for (const { path: name, before, after, gitHunks } of changedFiles(root, commits[older] ?? '', commits[newer] ?? '', choose)) {
      const maps = { git: new LineMap(before, after, gitHunks), own: new LineMap(before, after, diffLines(before, after)) };
      for (let each = 0; each < linesOfFile && before.length > 0; each++) {
        const line = 1 + choose(before.length);
        for (const by of ['git', 'own'] as const) check(`${name}:${line}`, line, before, after, maps[by], tallies[by]);
      }
    }
  }
  return tallies;
}

function check(place: string, line: number, before: readonly string[], after: readonly string[], map: LineMap, tally: Tally): void {
  const mapped = map.map(line);
  const [was, now] = [before[line - 1] ?? '', mapped && (after[mapped.line - 1] ?? '')];
  tally.lines++;
  tally[mapped?.confidence ?? 'gone']++;
  if (was === after[line - 1]) tally.sameNumber++;
  if (mapped?.confidence === 'exact') assert.equal(now, was, place);
  if (mapped?.confidence === 'edited') assert.equal(now?.replace(/\s+/g, ''), was.replace(/\s+/g, ''), place);
  if (mapped) assert.ok(mapped.line >= 1 && mapped.line <= after.length, place);
}

function report({ lines, exact, edited, approximate, gone, sameNumber }: Tally): string {
  const share = (count: number): string => `${((100 * count) / lines).toFixed(1)} %`;
  const placed = `${share(exact)} exact, ${share(edited)} edited, ${share(approximate)} approximate, ${share(gone)} gone`;
  return `${lines} lines of changed files: ${placed}; ${share(sameNumber)} have the same number`;
}

describe('the map of random lines of random commits', function () {
  const folder = temporaryFolder();

  function compare(name: string, root: string): void {
    const tallies = follow(root);
    for (const [by, tally] of Object.entries(tallies)) {
      console.log(`      ${name}, hunks by ${by}: ${report(tally)}`);
      assert.ok(tally.lines > 50, `only ${tally.lines} lines were checked`);
    }
    // Nearly as good as git, whose diff has been tuned for twenty years.
    assert.ok(tallies.own.exact >= 0.9 * tallies.git.exact, 'the diff without git places much less');
  }

  it('leads to the same text in the sample', async () => {
    const root = path.join(folder.path, 'sample');
    const unpacked = await unpackSample(root, path.join(own, 'media'));
    assert.ok(unpacked.ok);
    compare('the sample', root);
  });

  it('leads to the same text in this project', function () {
    const reason = skipReason(own);
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    compare('this project', own);
  });
});

/** Returns the reason why a history cannot be used. */
function skipReason(root: string): string | undefined {
  try {
    if (git(root, 'rev-parse', '--is-shallow-repository') === 'true') return 'the clone is shallow';
    return Number(git(root, 'rev-list', '--first-parent', '--count', 'HEAD')) < 20 ? 'the history is too short' : undefined;
  } catch {
    return 'this is no clone';
  }
}
