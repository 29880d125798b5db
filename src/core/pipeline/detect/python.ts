import { type Found, type FoundServer, type FoundStep, healthPathIn, type ProjectFolder } from './project';

const everything = ['**'];

/** The way to install the dependencies, and to call Python afterwards. */
interface Installation {
  readonly label: string;
  readonly step?: FoundStep;
  readonly python: string;
}

export function detectPython(project: ProjectFolder): Found | undefined {
  const sources = project.files.filter((file) => file.endsWith('.py'));
  const marked = ['pyproject.toml', 'requirements.txt', 'setup.py', 'setup.cfg'].some((file) => project.has(file));
  if (!marked && !sources.some((file) => !file.includes('/'))) return undefined;
  const tests = sources.filter((file) => /(^|\/)(test_[^/]*|[^/]*_test)\.py$/.test(file));
  const pytest = usesPytest(project, tests);
  const installation = installationOf(project, pytest);
  const needs = installation.step ? ['install'] : [];
  const common = { needs, inputs: everything, ...sourceFolder(project) };
  const test: FoundStep =
    tests.length === 0
      ? {
          ...common,
          name: 'check',
          run: `${installation.python} -m compileall -q -f -x '/[.]venv/' .`,
          comment: 'there is no test yet: add one here',
        }
      : pytest
        ? {
            ...common,
            name: 'test',
            run: `${installation.python} -m pytest --junitxml=reports/pytest.xml`,
            reports: ['reports/pytest.xml'],
          }
        : { ...common, name: 'test', run: unittest(installation.python, project, tests) };
  const steps = [...(installation.step ? [installation.step] : []), test];
  return { label: installation.label, prefix: 'python', steps, server: serverOf(project, sources, installation.python) };
}

function usesPytest(project: ProjectFolder, tests: readonly string[]): boolean {
  if (project.has('pytest.ini') || project.files.some((file) => /(^|\/)conftest\.py$/.test(file))) return true;
  if (
    /\bpytest\b/.test(
      project.text('pyproject.toml') +
        requirementFiles(project)
          .map((file) => project.text(file))
          .join('\n'),
    )
  )
    return true;
  if (project.matching(tests, /^\s*(import|from) pytest\b/m).length > 0) return true;
  return project.matching(tests, /^(async )?def test_/m).length > 0;
}

function requirementFiles(project: ProjectFolder): string[] {
  const usual = [
    'requirements.txt',
    'requirements-dev.txt',
    'requirements-test.txt',
    'requirements_dev.txt',
    'dev-requirements.txt',
    'test-requirements.txt',
  ];
  return usual.filter((file) => /^\s*[^#\s]/m.test(project.text(file)));
}

function installationOf(project: ProjectFolder, pytest: boolean): Installation {
  const manifest = project.text('pyproject.toml');
  if (project.has('uv.lock')) return { label: 'uv', step: { name: 'install', run: 'uv sync --locked' }, python: 'uv run --no-sync python' };
  if (project.has('poetry.lock'))
    return { label: 'Poetry', step: { name: 'install', run: 'poetry install --no-interaction' }, python: 'poetry run python' };
  const venv = 'python3 -m venv .venv && .venv/bin/python -m pip install --quiet --disable-pip-version-check';
  const python = '.venv/bin/python';
  const requirements = requirementFiles(project);
  const declared = requirements.length > 0 ? requirements.map((file) => project.text(file)).join('\n') : manifest;
  const more = pytest && !/\bpytest\b[^\n]*/.test(declared.replace(/\[tool\.pytest[^\]]*\]/g, '')) ? ' pytest' : '';
  const named = requirements.map((file) => ` -r ${file}`).join('');
  if (requirements.length > 0) {
    const whole = requirements.some((file) => /^\s*(-e|-r|-c|\.)/m.test(project.text(file)));
    const inputs = whole ? everything : requirements;
    return { label: 'Python', step: { name: 'install', run: `${venv}${named}${more}`, inputs, outputs: ['.venv/**'] }, python };
  }
  if (/^dependencies\s*=\s*\[\s*["']/m.test(manifest)) {
    const extra = /\[project\.optional-dependencies\][\s\S]*?^(test|tests|testing|dev)\s*=/m.exec(manifest)?.[1];
    const run = `${venv} ${extra === undefined ? '.' : `'.[${extra}]'`}${more}`;
    return { label: 'Python', step: { name: 'install', run, inputs: everything, outputs: ['.venv/**'] }, python };
  }
  if (pytest)
    return {
      label: 'Python',
      step: {
        name: 'install',
        run: `${venv} pytest`,
        inputs: ['pyproject.toml'].filter((file) => project.has(file)),
        outputs: ['.venv/**'],
      },
      python,
    };
  return { label: 'Python', python: 'python3' };
}

/** Makes packages under `src/` importable without an install. */
function sourceFolder(project: ProjectFolder): { env?: Record<string, string> } {
  return project.files.some((file) => /^src\/[^/]+(\.py|\/__init__\.py)$/.test(file)) ? { env: { PYTHONPATH: 'src' } } : {};
}

function unittest(python: string, project: ProjectFolder, tests: readonly string[]): string {
  const pattern = tests.some((file) => /(^|\/)test_/.test(file)) ? '' : " -p '*_test.py'";
  const folder = ['tests', 'test'].find((name) => tests.some((file) => file.startsWith(`${name}/`)));
  if (folder === undefined) return `${python} -m unittest discover${pattern}`;
  return `${python} -m unittest discover -s ${folder}${project.has(`${folder}/__init__.py`) ? ' -t .' : ''}${pattern}`;
}

function serverOf(project: ProjectFolder, sources: readonly string[], python: string): FoundServer | undefined {
  const programs = project.matching(
    sources.filter((file) => !file.includes('/') || file.startsWith('src/')),
    /environ(\.get\(|\[)\s*["']PORT["']|getenv\(\s*["']PORT["']/,
  );
  const [program, ...others] = programs.filter((file) => /__name__\s*==|serve_forever|\.run\(/.test(project.text(file)));
  if (program === undefined || others.length > 0 || !/^[\w./-]+$/.test(program)) return undefined;
  return { command: `${python} ${program}`, health: healthPathIn(project.text(program)), ...sourceFolder(project) };
}
