import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { repositoryFacts } from '../../../../../src/core/ci/export/repository-facts';
import { toolchainsOf } from '../../../../../src/core/ci/export/toolchains';
import { temporaryFolder } from '../../../../support/temporary';

const found = (files: Readonly<Record<string, string>>, folder = '') => toolchainsOf(folder, (file) => files[file]);

describe('the toolchains of a service', () => {
  const image = (name: string, text: string, manifest = 'package.json'): string | undefined =>
    found({ [manifest]: '', [name]: text })[0]?.image;

  it('come from the file that gives the version', () => {
    assert.deepEqual(found({ 'package.json': '{}', '.tool-versions': 'ruby 3.4.1\nnodejs 22.3.0\n', 'package-lock.json': '{}' }), [
      { language: 'node', versionFile: '.tool-versions', image: 'node:22.3.0', lock: 'package-lock.json' },
    ]);
    assert.deepEqual(found({ 'go.mod': 'module x\n\ngo 1.23.4\n', 'go.sum': '' }), [
      { language: 'go', versionFile: 'go.mod', image: 'golang:1.23.4', lock: 'go.sum' },
    ]);
    assert.deepEqual(found({ 'pyproject.toml': '[project]\nrequires-python = ">=3.12,<4"\n' }), [
      { language: 'python', versionFile: 'pyproject.toml', image: 'python:3.12', lock: 'pyproject.toml' },
    ]);
    assert.deepEqual(found({ 'Cargo.toml': '', 'rust-toolchain.toml': '[toolchain]\nchannel = "1.80"\n' }), [
      { language: 'rust', versionFile: 'rust-toolchain.toml', image: 'rust:1.80' },
    ]);
    assert.deepEqual(found({ Makefile: '', '.nvmrc': '22' }), []);
    assert.deepEqual(found({ 'package.json': 'not JSON' }), [{ language: 'node' }]);
  });

  it('come from the folder of the service first', () => {
    const files = { 'package.json': '{"engines": {"node": "20"}}', '.nvmrc': '18', 'a/b/package.json': '{}', 'a/.nvmrc': '24' };
    assert.deepEqual(
      ['a/b', 'a', ''].map((folder) => found(files, folder)[0]?.versionFile),
      ['a/.nvmrc', 'a/.nvmrc', '.nvmrc'],
    );
  });

  it('have an image whose version is in the range', () => {
    const ranges = {
      '22': '22',
      'v22.3.1': '22.3.1',
      '>=20.9': '20',
      '^22.1.0': '22',
      '~20.3': '20.3',
      '>=20.3 <20.5': '20.3',
      '22.x': '22',
    };
    for (const [range, tag] of Object.entries({ ...ranges, '^18 || ^20': '18' }))
      assert.equal(image('package.json', JSON.stringify({ engines: { node: range } })), `node:${tag}`, range);
    for (const version of ['lts/*', 'node', '<21', '*', '>18']) assert.equal(image('.nvmrc', version), undefined, version);
    assert.equal(image('.python-version', 'pypy3.10', 'setup.py'), undefined);
  });
});

describe('the facts about a repository', () => {
  const temporary = temporaryFolder();
  const facts = async (files: Readonly<Record<string, string>>) => {
    const folder = fs.mkdtempSync(path.join(temporary.path, 'repository-'));
    execFileSync('git', ['init', '-q', folder]);
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), text);
    }
    const { usesHistory, usesLfs } = await repositoryFacts(folder);
    return { usesHistory, usesLfs };
  };

  it('include whether a step may read the history', async () => {
    const readers = {
      'delivery.yaml': 'steps: {version: {run: git describe --tags > version}}',
      Makefile: 'VERSION := $(shell git describe)',
      'build.js': "execFileSync('git', ['log'])",
      'tools/version.py': 'subprocess.run(["git", "rev-parse", "HEAD"])',
      'pyproject.toml': 'requires = ["setuptools_scm"]',
      'package.json': '{"devDependencies": {"semantic-release": "24"}}',
      'pom.xml': '<artifactId>git-commit-id-maven-plugin</artifactId>',
    };
    for (const [name, text] of Object.entries(readers)) assert.ok((await facts({ [name]: text })).usesHistory, name);
    const others = {
      'package.json': '{"repository": {"type": "git", "url": "git+https://github.com/acme/shop.git"}}',
      'README.md': 'git clone it',
      '.gitignore': '# git ignores this\n',
      '.github/workflows/deliver-shop.yml': 'run: git ls-files',
      'src/a.js': '// a digit or legit text',
    };
    assert.deepEqual(await facts(others), { usesHistory: false, usesLfs: false });
  });

  it('include whether files are in Git LFS', async () => {
    assert.ok((await facts({ 'assets/.gitattributes': '*.png filter=lfs diff=lfs merge=lfs -text\n' })).usesLfs);
  });
});
