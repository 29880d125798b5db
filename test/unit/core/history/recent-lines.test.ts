import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { recentChanges, type RecentChange } from '../../../../src/core/history/recent-changes';
import { RecentLines } from '../../../../src/core/history/recent-lines';
import { openRepository, type Repository } from '../../../../src/core/git/repository';
import { RepositoryHome } from '../../../../src/core/support/home';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('the list of recent changes', () => {
  const folder = temporaryFolder();
  let project: Project;
  let repository: Repository;
  let home: RepositoryHome;
  beforeEach(async () => {
    project = new Project(folder.path);
    const opened = await openRepository(project.root);
    assert.ok(opened.ok);
    repository = opened.value;
    home = new RepositoryHome(project.home, repository.commonGitFolder);
  });

  const body = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');
  const lines = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, i) => `const value${from + i} = ${from + i};`);
  const head = (): string => project.git('rev-parse', 'HEAD').trim();
  async function changes(from?: string, where = '', to = head()): Promise<RecentChange[]> {
    const found = await recentChanges(repository, home, { ...(from !== undefined && { from }), to, folder: where });
    assert.ok(found.ok, JSON.stringify(found));
    return found.value;
  }
  /** Returns `line:subject` for each marked line of the file on disk. */
  async function marks(from: string | undefined, file = 'a.js'): Promise<string[]> {
    const all = await changes(from);
    const text = fs.readFileSync(path.join(project.root, file), 'utf8');
    const found = await new RecentLines(repository, home).lines(all, file, text);
    return found.map(({ line, commit }) => `${line}:${all.find((change) => change.commit === commit)?.subject ?? '?'}`);
  }

  it('contains changes and files below a folder, newest first', async () => {
    project
      .write('shop/a.js', body(...lines(1, 9)))
      .write('other/b.js', 'x\n')
      .commit('Begin');
    const begin = head();
    project.write('shop/a.js', body(...lines(1, 8), 'const value9 = "nine";')).commit('Spell\n\nBecause it reads better.');
    project.write('other/b.js', 'y\n').commit('Elsewhere');
    project.write('shop/größe "x".js', body(...lines(1, 3))).commit('Odd name');
    const [odd, spell, ...more] = await changes(begin, 'shop');
    assert.deepEqual(more, []);
    assert.deepEqual(
      odd?.files.map(({ path: file, added, removed, before }) => [file, added, removed, before]),
      [['shop/größe "x".js', 3, 0, undefined]],
    );
    assert.deepEqual([spell?.subject, spell?.message], ['Spell', 'Spell\n\nBecause it reads better.']);
    assert.deepEqual(
      spell?.files.map(({ path: file, added, removed }) => [file, added, removed]),
      [['shop/a.js', 1, 1]],
    );
  });

  it('leaves out merges, reformatting and ignored revisions', async () => {
    project.write('a.js', body(...lines(1, 9))).commit('Begin');
    const begin = head();
    project.git('checkout', '-q', '-b', 'side');
    project.write('b.js', body(...lines(1, 3))).commit('On the side');
    project.git('checkout', '-q', 'main');
    project.write('c.js', body(...lines(1, 3))).commit('On main');
    project.git('merge', '-q', '--no-edit', 'side');
    project.write('a.js', body('', ...lines(1, 9).map((line) => `  ${line}`))).commit('Indent');
    project.write('c.js', body(...lines(1, 3).map((line) => line.replace('const', 'let')))).commit('Let all');
    project.write('.git-blame-ignore-revs', `# letting\n${head()}\n`);
    assert.deepEqual((await changes(begin)).map(({ subject }) => subject).sort(), ['On main', 'On the side']);
  });

  it('marks the current lines of each change', async () => {
    project.write('a.js', body(...lines(1, 30))).commit('Begin');
    const begin = head();
    project.write('a.js', body(...lines(1, 9), 'const value10 = "ten";', ...lines(11, 30))).commit('Ten');
    project
      .write(
        'a.js',
        body(
          '// new on top',
          ...lines(1, 9),
          'const value10 = "ten";',
          ...lines(11, 19),
          'const more = 1;',
          'const most = 2;',
          ...lines(20, 30),
        ),
      )
      .commit('More');
    assert.deepEqual(await marks(begin), ['1:More', '11:Ten', '21:More', '22:More']);
    // An uncommitted edit belongs to no change, and moves the other lines.
    project.write(
      'a.js',
      body('// mine', '// new on top', ...lines(1, 9), 'const value10 = "TEN";', ...lines(11, 19), 'const more = 1;', ...lines(20, 30)),
    );
    assert.deepEqual(await marks(begin), ['2:More', '22:More']);
  });

  it('keeps the marks of lines that were reformatted', async () => {
    project.write('a.js', body(...lines(1, 9))).commit('Begin');
    const begin = head();
    project.write('a.js', body(...lines(1, 4), 'if (ready) { start(5); }', ...lines(6, 9))).commit('Start');
    project.write('a.js', body(...lines(1, 4), '  if (ready)  {  start( 5 );  }', ...lines(6, 9))).commit('Spaces');
    project
      .write('a.js', body(...lines(1, 9).map((line) => `\t${line}`)).replace('const value5 = 5;', 'if (ready) { start(5); }'))
      .commit('Tabs');
    assert.deepEqual(await marks(begin), ['5:Start']);
    project.write('a.js', fs.readFileSync(path.join(project.root, 'a.js'), 'utf8').replace(/\n/g, '\r\n')).commit('CRLF');
    assert.deepEqual(await marks(begin), ['5:Start']);
  });

  it('follows a file through renames', async () => {
    project.write('old.js', body(...lines(1, 30))).commit('Begin');
    const begin = head();
    project.write('old.js', body(...lines(1, 9), 'const value10 = "ten";', ...lines(11, 30))).commit('Ten');
    project.git('mv', 'old.js', 'a.js');
    project
      .write('a.js', body(...lines(1, 9), 'const value10 = "ten";', ...lines(11, 19), 'const value20 = "twenty";', ...lines(21, 30)))
      .commit('Move, and twenty');
    assert.deepEqual(await marks(begin), ['10:Ten', '20:Move, and twenty']);
  });

  it('leaves out files that are too large, binary, new or gone', async () => {
    project.write('a.js', body(...lines(1, 5))).commit('Begin');
    const begin = head();
    project
      .write('a.js', body(...lines(1, 6_000)))
      .write('b.bin', 'x\0y'.repeat(100))
      .commit('Generate');
    const [generate] = await changes(begin);
    assert.deepEqual(generate?.tooLarge, ['a.js']);
    assert.deepEqual(await marks(begin), []);
    assert.deepEqual(await marks(begin, 'b.bin'), []);
    fs.rmSync(path.join(project.root, 'b.bin'));
    project.write('new.js', body(...lines(1, 2))).commit('Come and go');
    assert.deepEqual(await marks(begin, 'new.js'), ['1:Come and go', '2:Come and go']);
  });

  it('marks a bracket only next to a distinctive line', async () => {
    project.write('a.js', body(...lines(1, 5), '}', ...lines(6, 9), '}', '')).commit('Begin');
    const begin = head();
    project.write('a.js', body(...lines(1, 5), '}', 'function added() {', '}', '', ...lines(6, 9), '}', '}', '')).commit('Add');
    const found = await marks(begin);
    assert.ok(found.includes('7:Add'));
    assert.ok(!found.some((mark) => /^1[3-9]:/.test(mark)), found.join());
  });

  it('contains the change of an uncommitted snapshot', async () => {
    project.write('a.js', body(...lines(1, 9))).commit('Begin');
    const begin = head();
    project.write('a.js', body(...lines(1, 4), 'const value5 = "five";', ...lines(6, 9)));
    project.git('add', '-A');
    const snapshot = project.git('commit-tree', project.git('write-tree').trim(), '-p', begin, '-m', 'Snapshot').trim();
    assert.deepEqual(
      (await changes(begin, '', snapshot)).map(({ subject }) => subject),
      ['Snapshot'],
    );
  });

  it('marks no line for a change that git blame does not name', async function () {
    this.timeout(60_000);
    const random = seeded(20261123);
    let text = lines(1, 60);
    project.write('a.js', body(...text)).commit('Begin');
    const begin = head();
    for (let at = 1; at <= 25; at++) {
      text = edited(text, at, random);
      project.write('a.js', body(...text)).commit(`Change ${at}`);
    }
    const blamed = project
      .git('blame', '-w', '-s', '-l', 'HEAD', '--', 'a.js')
      .split('\n')
      .map((line) => line.replace(/^\^/, '').split(' ')[0] ?? '');
    const subjects = new Map((await changes(begin)).map(({ commit, subject }) => [subject, commit]));
    const found = await marks(begin);
    let named = 0;
    for (const mark of found) {
      const [line = '', subject = ''] = mark.split(/:(.*)/s);
      // Two equal lines may swap places: then git's answer is one of two.
      const isOnlyOne = text.filter((other) => other === text[Number(line) - 1]).length === 1;
      if (!isOnlyOne) continue;
      assert.equal(blamed[Number(line) - 1], subjects.get(subject), `line ${line}: ${text[Number(line) - 1] ?? ''}`);
      named++;
    }
    const all = blamed.filter((commit) => [...subjects.values()].includes(commit)).length;
    console.log(`      ${named} of ${all} changed lines marked, none wrong`);
    assert.ok(named > all / 2);
  });
});

/** Changes, adds, removes and moves some lines. */
function edited(text: readonly string[], change: number, random: () => number): string[] {
  const at = (): number => Math.floor(random() * text.length);
  const next = [...text];
  for (let times = 0; times < 3; times++) {
    const kind = Math.floor(random() * 4);
    if (kind === 0) next[at()] = `const changed${change} = compute(${times}, ${Math.floor(random() * 1e6)});`;
    else if (kind === 1) next.splice(at(), 0, `const added${change} = compute(${times}, ${Math.floor(random() * 1e6)});`);
    else if (kind === 2) next.splice(at(), 1);
    else next.splice(at(), 0, ...next.splice(at(), 3));
  }
  return next;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
