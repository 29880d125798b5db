import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PlacesNow, type PlaceNow } from '../../../../src/core/location/places-now';
import { contentsOf, Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

const text = (count: number, change: (line: number) => string | undefined = () => undefined): string =>
  Array.from({ length: count }, (_, index) => `${change(index + 1) ?? `const value${index + 1} = compute(${index + 1});`}\n`).join('');

describe('a place of a delivered commit', () => {
  const folder = temporaryFolder();
  let project: Project;
  let delivery: Delivery;
  let places: PlacesNow;
  let commit: string;

  beforeEach(async () => {
    project = new Project(folder.path).write('src/cart.ts', text(20)).write('b.txt', 'b\n').write('.gitignore', 'ignored\n');
    commit = commitNow();
    delivery = await Delivery.from(project.root, project.home);
    places = new PlacesNow(delivery.repository, delivery.home);
  });

  const commitNow = (): string => project.commit().git('rev-parse', 'HEAD').trim();
  const line = async (number: number, file = 'src/cart.ts', at = commit): Promise<PlaceNow | undefined> => places.lineNow(at, file, number);
  const exact = (number: number, file = 'src/cart.ts'): PlaceNow => ({ path: file, line: number, confidence: 'exact' });
  const move = (from: string, to: string): void => {
    fs.mkdirSync(path.dirname(path.join(project.root, to)), { recursive: true });
    fs.renameSync(path.join(project.root, from), path.join(project.root, to));
  };

  it('stays the same in an unchanged file', async () => {
    assert.deepEqual(await line(7), exact(7));
    assert.deepEqual(await line(21), { path: 'src/cart.ts', confidence: 'file' });
  });

  it('moves with committed, staged and other changes above it', async () => {
    project.write('src/cart.ts', `// committed\n${text(20)}`).commit();
    assert.deepEqual(await line(7), exact(8));
    project.write('src/cart.ts', `// staged\n// committed\n${text(20)}`).git('add', '-A');
    assert.deepEqual(await line(7), exact(9));
    project.write('src/cart.ts', `// edited\n// staged\n// committed\n${text(20)}`);
    assert.deepEqual(await line(7), exact(10));
  });

  it('is updated when the file changes but keeps its length', async () => {
    const [seven, eight] = ['const value7 = compute(7);', 'const value8 = compute(8);'];
    assert.deepEqual(await line(7), exact(7));
    project.write('src/cart.ts', text(20).replace(`${seven}\n${eight}`, `${eight}\n${seven}`));
    const now = await line(7);
    assert.ok(now?.line === 8, JSON.stringify(now));
  });

  it('has an earlier version, which may have another name or be the same', async () => {
    const change = async (file: string, later = commit): Promise<unknown> => places.changeSince(commit, later, file);
    assert.deepEqual(await change('src/cart.ts'), { path: 'src/cart.ts', before: 'src/cart.ts', isChanged: false });
    project.write('src/cart.ts', text(20).replaceAll('\n', '\r\n'));
    assert.deepEqual(await change('src/cart.ts'), { path: 'src/cart.ts', before: 'src/cart.ts', isChanged: false });
    project.write('src/cart.ts', text(21));
    assert.deepEqual(await change('src/cart.ts'), { path: 'src/cart.ts', before: 'src/cart.ts', isChanged: true });
    project.git('mv', 'src/cart.ts', 'basket.ts');
    project.write('new.ts', 'new\n');
    const later = commitNow();
    assert.deepEqual(await change('basket.ts', later), { path: 'basket.ts', before: 'src/cart.ts', isChanged: true });
    assert.deepEqual(await change('new.ts', later), { path: 'new.ts', isChanged: true });
    assert.equal(await change('missing.ts', later), undefined);
  });

  it('is edited or gone', async () => {
    const edit = (number: number): string | undefined => (number === 7 ? 'const value7 = computeAll(7);' : undefined);
    project.write('src/cart.ts', text(20, edit));
    assert.deepEqual(await line(7), { path: 'src/cart.ts', line: 7, confidence: 'approximate' });
    project.write('src/cart.ts', text(20).replace('const value7 = compute(7);\n', ''));
    assert.deepEqual(await line(7), { path: 'src/cart.ts', confidence: 'file' });
    assert.deepEqual(await line(8), exact(7));
  });

  const moves: Record<string, () => unknown> = {
    'committed under': () => project.git('mv', 'src/cart.ts', 'basket.ts') + commitNow(),
    'staged under': () => project.git('mv', 'src/cart.ts', 'basket.ts'),
    'moved by hand to': () => move('src/cart.ts', 'basket.ts'),
  };
  for (const [how, rename] of Object.entries(moves)) {
    it(`is found in a file that was ${how} another name and edited`, async () => {
      rename();
      assert.equal(await places.pathNow(commit, 'src/cart.ts'), 'basket.ts');
      project.write('basket.ts', `// edited\n${text(20)}`);
      assert.deepEqual(await line(7), exact(8, 'basket.ts'));
    });
  }

  it('follows a file that moves again, also without git', async () => {
    move('src/cart.ts', 'one.ts');
    assert.deepEqual(await line(7), exact(7, 'one.ts'));
    move('one.ts', 'größe "2"/two.ts');
    assert.deepEqual(await line(7), exact(7, 'größe "2"/two.ts'));
    move('größe "2"/two.ts', 'src/cart.ts');
    assert.deepEqual(await line(7), exact(7));
  });

  it('is gone with its file until the file comes back', async () => {
    fs.rmSync(path.join(project.root, 'src/cart.ts'));
    assert.equal(await line(7), undefined);
    assert.equal(await places.pathNow(commit, 'src/cart.ts'), undefined);
    project.write('moved.ts', text(20));
    places.forgetNames();
    assert.deepEqual(await line(7), exact(7, 'moved.ts'));
  });

  it('is not found in ignored files', async () => {
    move('src/cart.ts', 'ignored');
    assert.equal(await line(7), undefined);
  });

  it('is found for a snapshot of uncommitted changes', async () => {
    project.write('src/cart.ts', `// uncommitted\n${text(20)}`).write('new.ts', text(5));
    const snapshot = (await delivery.snapshot()).change.commit;
    project.write('src/cart.ts', text(20)).write('new.ts', `// above\n${text(5)}`);
    assert.deepEqual(await line(8, 'src/cart.ts', snapshot), exact(7));
    assert.deepEqual(await line(3, 'new.ts', snapshot), exact(4, 'new.ts'));
    assert.equal(await places.textAt(snapshot, 'src/cart.ts'), `// uncommitted\n${text(20)}`);
  });

  it('is exact with any line ends', async () => {
    project.write('src/cart.ts', text(20).replaceAll('\n', '\r\n'));
    assert.deepEqual(await line(7), exact(7));
    project.git('config', 'core.autocrlf', 'true');
    project.write('src/cart.ts', `// above\n${text(20)}`.replaceAll('\n', '\r\n'));
    assert.deepEqual(await line(7), exact(8));
    move('src/cart.ts', 'moved.ts');
    assert.deepEqual(await line(7), exact(8, 'moved.ts'));
  });

  it('is only a file if the file is binary or too large', async () => {
    project.write('data', 'a\0b\n').write('large', 'x\n'.repeat(3_000_000)).write('becomes', text(5));
    commit = commitNow();
    project
      .write('data', 'a\0c\n')
      .write('large', `y\n${'x\n'.repeat(3_000_000)}`)
      .write('becomes', '\0');
    for (const file of ['data', 'large', 'becomes']) assert.deepEqual(await line(1, file), { path: file, confidence: 'file' });
    assert.equal(await places.textAt(commit, 'data'), undefined);
    assert.equal(await places.textAt(commit, 'large'), undefined);
  });

  it('is absent if the commit does not contain it or is no full id', async () => {
    project.write('later.ts', text(5));
    assert.equal(await line(1, 'later.ts'), undefined);
    assert.equal(await line(1, 'src'), undefined);
    for (const no of ['HEAD', 'main', commit.slice(0, 10), '0'.repeat(40), '--output=x', ''])
      assert.equal(await line(1, 'src/cart.ts', no), undefined, no);
  });

  it('is never read outside the repository', async () => {
    fs.writeFileSync(path.join(folder.path, 'secret'), text(20));
    for (const file of [
      '../secret',
      '/etc/passwd',
      path.join(folder.path, 'secret'),
      'src/../../secret',
      './b.txt',
      '.git/config',
      'src//cart.ts',
      '',
    ])
      assert.equal(await line(1, file), undefined, file);
    fs.rmSync(path.join(project.root, 'src/cart.ts'));
    fs.symlinkSync(path.join(folder.path, 'secret'), path.join(project.root, 'src/cart.ts'));
    assert.deepEqual(await line(7), { path: 'src/cart.ts', confidence: 'file' });
    fs.rmSync(path.join(project.root, 'src'), { recursive: true });
    fs.mkdirSync(path.join(folder.path, 'outside'));
    fs.writeFileSync(path.join(folder.path, 'outside', 'cart.ts'), text(20));
    fs.symlinkSync(path.join(folder.path, 'outside'), path.join(project.root, 'src'));
    assert.equal(await line(7), undefined);
  });

  it('is found for many lines at once', async () => {
    for (let index = 0; index < 120; index++)
      project.write(
        `many/${index}.ts`,
        text(5, (at) => `const file${index} = ${at};`),
      );
    commit = commitNow();
    for (let index = 0; index < 120; index++) project.write(`many/${index}.ts`, `// ü\n${text(5, (at) => `const file${index} = ${at};`)}`);
    const found = await Promise.all(Array.from({ length: 600 }, async (_, at) => line((at % 5) + 1, `many/${Math.floor(at / 5)}.ts`)));
    found.forEach((place, at) => assert.deepEqual(place, exact((at % 5) + 2, `many/${Math.floor(at / 5)}.ts`)));
  });

  it('is found without a change to the repository', async () => {
    project.write('src/cart.ts', `// edited\n${text(20)}`).write('untracked.ts', 'x\n');
    move('b.txt', 'c.txt');
    const before = contentsOf(project.root);
    const status = git(project.root, '--no-optional-locks', 'status', '--porcelain=2');
    assert.deepEqual(await line(7), exact(8));
    assert.equal(await places.pathNow(commit, 'b.txt'), 'c.txt');
    assert.deepEqual(contentsOf(project.root), before);
    assert.equal(git(project.root, '--no-optional-locks', 'status', '--porcelain=2'), status);
    assert.deepEqual(
      fs.readdirSync(delivery.home.folder).filter((name) => name.startsWith('index-')),
      [],
    );
  });
});
