import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parsePipeline } from '../../../../src/core/pipeline/parse';
import { documentationPages, matchingPages } from '../../../../src/editor/app/documentation-pages';

const project = path.resolve(__dirname, '../../../..');
const docs = path.join(project, 'media/docs');
const read = (file: string) => fs.readFileSync(file, 'utf8');
const titleOf = (file: string) => /^# (.+)$/m.exec(read(file))?.[1];

describe('the documentation', () => {
  const names = (text?: string) => matchingPages(text).map(({ name }) => name);

  it('lists exactly the files of media/docs with their titles', () => {
    const files = fs.readdirSync(docs).sort();
    assert.deepEqual(documentationPages.map(({ name }) => `${name}.md`).sort(), files);
    for (const { name, title } of documentationPages) assert.equal(title, titleOf(path.join(docs, `${name}.md`)));
  });

  it('is packaged with the extension', () => {
    assert.match(read(path.join(project, '.vscodeignore')), /^!media\/\*\*$/m);
  });

  it('offers all pages without a text, and for a text that matches no page', () => {
    assert.equal(matchingPages().length, documentationPages.length);
    assert.equal(matchingPages('spaceship').length, documentationPages.length);
  });

  it('finds a page by its name and by a part of its title', () => {
    assert.deepEqual(names('ci'), ['ci']);
    assert.deepEqual(names('delivery-yaml'), ['delivery-yaml']);
    assert.deepEqual(names('Command Line'), ['command-line']);
    assert.deepEqual(names('delivery'), ['delivery-yaml', 'metrics']);
  });

  it('contains no broken link', () => {
    const pages = [
      ...documentationPages.map(({ name }) => `media/docs/${name}.md`),
      'README.md',
      '.github/CONTRIBUTING.md',
      'CHANGELOG.md',
    ];
    for (const page of pages) {
      for (const [, link = ''] of withoutCode(read(path.join(project, page))).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? path.join(project, page) : path.join(project, path.dirname(page), file);
        assert.ok(fs.existsSync(target), `${page}: ${link}`);
        if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), `${page}: ${link}`);
      }
    }
  });

  it('contains only valid examples of delivery.yaml', () => {
    const files = [...documentationPages.map(({ name }) => path.join(docs, `${name}.md`)), path.join(project, 'README.md')];
    const blocks = files.flatMap((file) => [...read(file).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, yaml = '']) => ({ file, yaml })));
    // The lines of a GitHub job.
    const examples = blocks.filter(({ yaml }) => !yaml.includes('runs-on:'));
    assert.ok(examples.length > 10);
    for (const { file, yaml } of examples) assert.deepEqual(parsePipeline(completed(yaml), file).errors, [], yaml);
  });

  it('contains every page that a welcome view links to', () => {
    const { contributes } = JSON.parse(read(path.join(project, 'package.json'))) as {
      contributes: { viewsWelcome: { contents: string }[] };
    };
    const links = contributes.viewsWelcome.flatMap(({ contents }) => [...contents.matchAll(/deliver\.openDocumentation\?([^)]+)/g)]);
    assert.ok(links.length > 0);
    for (const [, argument = ''] of links) {
      const { text } = JSON.parse(decodeURIComponent(argument)) as { text: string };
      assert.deepEqual(names(text), [text]);
    }
  });
});

/** Returns a whole delivery.yaml around a part of one: top-level keys, a step, or an environment. */
function completed(yaml: string): string {
  const [, key = ''] = /^(\w+):/m.exec(yaml) ?? [];
  if (key === 'service') return yaml;
  if (['environments', 'feedback', 'engine'].includes(key)) return `service: shop\nsteps: {test: {run: npm test}}\n${yaml}`;
  const indented = yaml.replace(/^(?=.)/gm, '  ');
  if (/^ +run:/m.test(yaml)) return `service: shop\nsteps:\n${indented}`;
  return `service: shop\nsteps: {test: {run: npm test}}\nenvironments:\n${indented}`;
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

/** Returns the anchors of the headings, as the Markdown preview and GitHub generate them. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replace(/ /g, '-'),
  );
}
