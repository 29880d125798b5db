import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { findProgram, programsOf, satisfies, versionProblem, wantedVersions } from '../../../../src/core/process/tools';
import { temporaryFolder } from '../../../support/temporary';

describe('the programs of a command', () => {
  for (const [command, expected] of [
    ['go build -o bin/ ./...', ['go']],
    ['cd ../.. && npm ci', ['npm']],
    ['python3 -m venv .venv && .venv/bin/python -m pip install x', ['python3']],
    ['PIPENV_VENV_IN_PROJECT=1 pipenv sync --dev', ['pipenv']],
    ['exec node server.js', ['node']],
    ['go vet ./... | tee log; cargo test', ['go', 'cargo']],
    ['docker build . || podman build .', ['docker']],
    ['command -v go || echo no', []],
    ['if go version; then go build; fi', []],
    ['./gradlew test', []],
    ['node-gyp build', []],
    ['echo go', []],
  ] as const)
    it(`are found in ${command}`, () => assert.deepEqual(programsOf(command), expected));
});

describe('a version', () => {
  for (const [version, range, parts, expected] of [
    ['20.20.2', '20', 1, true],
    ['20.20.2', '20.11.0', 1, true],
    ['20.20.2', '18.x', 1, false],
    ['20.20.2', '>=18 <21', 1, true],
    ['20.20.2', '>= 22.12', 1, false],
    ['20.20.2', '^18.18.0 || ^20.9.0 || >=21.1.0', 1, true],
    ['20.8.0', '^18.18.0 || ^20.9.0 || >=21.1.0', 1, false],
    ['20.20.2', '18 - 19', 1, false],
    ['20.20.2', '*', 1, true],
    ['20.20.2', 'lts/*', 1, true],
    ['3.11.7', '3.12', 2, false],
    ['3.11.7', '3.11.2', 2, true],
    ['3.11.7', '>=3.9,<4', 2, true],
    ['3.11.7', '~=3.10', 2, true],
    ['3.11.7', '==3.12.*', 2, false],
    ['17.0.15', '>=21', 1, false],
  ] as const)
    it(`${version} is ${expected ? '' : 'not '}in ${range}`, () => assert.equal(satisfies(version, range, parts), expected));
});

describe('the versions that a project asks for', () => {
  const folder = temporaryFolder();
  const wanted = (files: Record<string, string>, from = ''): string[] => {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
      fs.writeFileSync(path.join(folder.path, name), text);
    }
    return wantedVersions(path.join(folder.path, from), folder.path).map(({ tool, wanted, file }) => `${tool} ${wanted} (${file})`);
  };

  it('come from version files, engines and the package manager', () => {
    assert.deepEqual(wanted({ 'package.json': '{"engines": {"npm": "10", "node": ">=18"}, "packageManager": "pnpm@9.1.0+sha512.abc"}' }), [
      'node >=18 (package.json)',
      'pnpm 9.1.0 (package.json)',
    ]);
    assert.deepEqual(wanted({ '.nvmrc': 'v22.1\n', '.python-version': '3.12.1\n' }).slice(0, 1), ['node 22.1 (.nvmrc)']);
    assert.deepEqual(wanted({ 'a/.tool-versions': 'nodejs 18.2.0\nruby 3.3.0\njava temurin-21.0.2\n' }, 'a'), [
      'node 18.2.0 (.tool-versions)',
      'pnpm 9.1.0 (package.json)',
      'python3 3.12.1 (.python-version)',
      'java 21.0.2 (.tool-versions)',
      'ruby 3.3.0 (.tool-versions)',
    ]);
  });

  it('differ from the installed ones only if that is certain', async () => {
    const node = { tool: 'node', file: '.nvmrc', parts: 1 };
    const has = process.versions.node.split('.')[0] ?? '';
    assert.equal(await versionProblem({ ...node, wanted: has }, folder.path, process.env), undefined);
    assert.match((await versionProblem({ ...node, wanted: '4' }, folder.path, process.env)) ?? '', /^\.nvmrc asks for node 4, but node \d+\.\d+\.\d+ is installed here$/); // prettier-ignore
    assert.equal(await versionProblem({ ...node, wanted: '4' }, folder.path, { PATH: folder.path }), undefined);
  });

  it('need a program that is executable and in the PATH', () => {
    fs.writeFileSync(path.join(folder.path, 'tool'), '', { mode: 0o755 });
    fs.writeFileSync(path.join(folder.path, 'text'), '', { mode: 0o644 });
    const searched = ['/nowhere', folder.path].join(path.delimiter);
    assert.equal(findProgram('tool', searched), path.join(folder.path, 'tool'));
    assert.deepEqual([findProgram('text', searched), findProgram('missing', searched)], [undefined, undefined]);
  });
});
