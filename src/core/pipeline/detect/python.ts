import { serverAt } from './port';
import { type Found, type FoundServer, type FoundStep, ProjectFolder } from './project';

const everything = ['**'];
const host = '127.0.0.1';

/** The way to install the dependencies, and to call Python afterwards. */
interface Installation {
  readonly label: string;
  readonly step?: FoundStep;
  readonly python: string;
}

interface Framework {
  readonly name: string;
  /** The line that creates the application, with the name of its variable. */
  readonly sign: RegExp;
  /** Packages that must be installed besides the declared ones. */
  readonly needs?: string;
  /** Returns the command after `python`. `module` is `app.main`, `file` is `app/main.py`. */
  readonly run: (at: { module: string; file: string; variable: string; has: (name: string) => boolean }) => string;
}

const asgi: Framework['run'] = ({ module, variable, has }) =>
  has('hypercorn') && !has('uvicorn')
    ? `-m hypercorn --bind ${host}:$PORT ${module}:${variable}`
    : `-m uvicorn ${module}:${variable} --host ${host} --port $PORT`;

/** The first framework whose sign is found counts. */
const frameworks: readonly Framework[] = [
  { name: 'FastAPI', needs: 'uvicorn', sign: /^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:fastapi\.)?FastAPI\(/m, run: asgi },
  { name: 'Starlette', needs: 'uvicorn', sign: /^(\w+)(?:\s*:\s*\w+)?\s*=\s*Starlette\(/m, run: asgi },
  { name: 'Litestar', needs: 'uvicorn', sign: /^(\w+)(?:\s*:\s*\w+)?\s*=\s*Litestar\(/m, run: asgi },
  {
    name: 'Flask',
    sign: /^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:flask\.)?Flask\(|^def (create_app|make_app)\(/m,
    run: ({ module, variable, has }) => {
      const isFactory = /^(create|make)_app$/.test(variable);
      return has('gunicorn')
        ? `-m gunicorn --bind ${host}:$PORT '${module}:${variable}${isFactory ? '()' : ''}'`
        : `-m flask --app ${module}${variable === 'app' || variable === 'create_app' ? '' : `:${variable}`} run --host ${host} --port $PORT`;
    },
  },
  {
    name: 'Streamlit',
    sign: /^import (streamlit) as st\b/m,
    run: ({ file }) => `-m streamlit run ${file} --server.address ${host} --server.port $PORT --server.headless true`,
  },
];

export function detectPython(project: ProjectFolder): Found | undefined {
  const sources = project.files.filter((file) => file.endsWith('.py'));
  const marked = project.first('pyproject.toml', 'requirements.txt', 'setup.py', 'setup.cfg', 'Pipfile', 'manage.py') !== undefined;
  if (!marked && !sources.some((file) => !file.includes('/'))) return undefined;
  const tests = sources.filter((file) => /(^|\/)(test_[^/]*|[^/]*_test|tests)\.py$/.test(file));
  const pytest = usesPytest(project, tests);
  const manage = sources.filter((file) => /(^|\/)manage\.py$/.test(file) && /django/i.test(project.text(file)));
  const framework = manage.length > 0 ? undefined : frameworkOf(project);
  const declared = declarations(project);
  const extra = [
    ...(pytest ? ['pytest'] : []),
    ...(framework?.of.needs && !/\bfastapi\[|\bhypercorn\b/.test(declared) ? [framework.of.needs] : []),
  ];
  const installation = installationOf(
    project,
    extra.filter((name) => !new RegExp(`\\b${name}\\b`).test(declared)),
    declared,
  );
  const { python } = installation;
  const needs = installation.step ? ['install'] : [];
  const common = { needs, inputs: everything, ...sourceFolder(project) };
  const inManage = manage[0] !== undefined && !/pytest[-_]django/.test(declared);
  const test: FoundStep =
    tests.length === 0
      ? {
          ...common,
          name: 'check',
          run: inManage ? `${python} ${manage[0]} check` : `${python} -m compileall -q -f -x '/[.]venv/' .`,
          comment: 'there is no test yet: add one here',
        }
      : inManage
        ? { ...common, name: 'test', run: djangoTest(python, manage[0] ?? '') }
        : pytest
          ? { ...common, name: 'test', run: `${python} -m pytest --junitxml=reports/pytest.xml`, reports: ['reports/pytest.xml'] }
          : { ...common, name: 'test', run: unittest(python, project, tests) };
  const steps = [...(installation.step ? [installation.step] : []), test];
  const server = manage[0] !== undefined ? django(project, manage[0], python, declared) : serverOf(project, framework, python, declared);
  return { label: installation.label, prefix: 'python', steps, server, python };
}

/** Test discovery starts in the working directory, so a project in a folder is tested there. */
function djangoTest(python: string, manage: string): string {
  const folder = manage.includes('/') ? manage.slice(0, manage.lastIndexOf('/')) : '';
  return folder === '' ? `${python} manage.py test` : `${python} ${manage} test ${folder}`;
}

function usesPytest(project: ProjectFolder, tests: readonly string[]): boolean {
  if (project.has('pytest.ini') || project.files.some((file) => /(^|\/)conftest\.py$/.test(file))) return true;
  if (/\bpytest\b/.test(declarations(project))) return true;
  if (project.matching(tests, /^\s*(import|from) pytest\b/m).length > 0) return true;
  return project.matching(tests, /^(async )?def test_/m).length > 0;
}

/** Returns the text of all files that name dependencies. */
function declarations(project: ProjectFolder): string {
  return ['pyproject.toml', 'Pipfile', 'setup.py', 'setup.cfg', ...requirementFiles(project)].map((file) => project.text(file)).join('\n');
}

function requirementFiles(project: ProjectFolder): string[] {
  const usual = [
    'requirements.txt',
    'requirements-dev.txt',
    'requirements-test.txt',
    'requirements_dev.txt',
    'dev-requirements.txt',
    'test-requirements.txt',
    'requirements/dev.txt',
  ];
  return usual.filter((file) => /^\s*[^#\s]/m.test(project.text(file)));
}

function installationOf(project: ProjectFolder, missing: readonly string[], declared: string): Installation {
  const manifest = project.text('pyproject.toml');
  const locked = project.above('uv.lock') !== undefined;
  const extras = /\[project\.optional-dependencies\]/.test(manifest) ? ' --all-extras' : '';
  const more = missing.length === 0 ? '' : ` ${missing.join(' ')}`;
  if (locked || /^\[tool\.uv[\].]/m.test(manifest)) {
    const added = more === '' ? '' : ` && uv pip install${more}`;
    return {
      label: 'uv',
      step: { name: 'install', run: `uv sync${locked ? ' --locked' : ''}${extras}${added}` },
      python: 'uv run --no-sync python',
    };
  }
  if (project.has('poetry.lock') || /^\[tool\.poetry\]/m.test(manifest)) {
    const added = more === '' ? '' : ` && poetry run python -m pip install${more}`;
    return { label: 'Poetry', step: { name: 'install', run: `poetry install --no-interaction${added}` }, python: 'poetry run python' };
  }
  if (project.has('Pipfile')) {
    const install = project.has('Pipfile.lock') ? 'pipenv sync --dev' : 'pipenv install --dev --skip-lock';
    const added = more === '' ? '' : ` && .venv/bin/python -m pip install${more}`;
    return { label: 'Pipenv', step: { name: 'install', run: `PIPENV_VENV_IN_PROJECT=1 ${install}${added}` }, python: '.venv/bin/python' };
  }
  const venv = 'python3 -m venv .venv && .venv/bin/python -m pip install --quiet --disable-pip-version-check';
  const python = '.venv/bin/python';
  const install = (packages: string, inputs: readonly string[]): Installation => ({
    label: 'Python',
    step: { name: 'install', run: `${venv}${packages}${more}`, inputs, outputs: ['.venv/**'] },
    python,
  });
  const requirements = requirementFiles(project);
  if (requirements.length > 0) {
    const whole = requirements.some((file) => /^\s*(-e|-r|-c|\.)/m.test(project.text(file)));
    return install(requirements.map((file) => ` -r ${file}`).join(''), whole ? everything : requirements);
  }
  if (/^dependencies\s*=\s*\[\s*["']/m.test(manifest) || /install_requires/.test(declared)) {
    const extra = /\[project\.optional-dependencies\][\s\S]*?^(test|tests|testing|dev)\s*=/m.exec(manifest)?.[1];
    return install(extra === undefined ? ' .' : ` '.[${extra}]'`, everything);
  }
  if (missing.length > 0)
    return install(
      '',
      ['pyproject.toml'].filter((file) => project.has(file)),
    );
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

/** Returns the framework and the file that creates its application. Files near the root are preferred. */
function frameworkOf(project: ProjectFolder): { of: Framework; file: string; variable: string } | undefined {
  const sources = project
    .sources(/\.py$/)
    .filter((file) => /^[\w./]+$/.test(file))
    .sort((a, b) => a.split('/').length - b.split('/').length);
  for (const of of frameworks) {
    for (const file of sources.slice(0, 400)) {
      const match = of.sign.exec(project.text(file));
      if (match && (of.name !== 'Flask' || /\bflask\b/i.test(project.text(file))))
        return { of, file, variable: match[1] ?? match[2] ?? 'app' };
    }
  }
  return undefined;
}

function django(project: ProjectFolder, manage: string, python: string, declared: string): FoundServer {
  const folder = manage.slice(0, manage.lastIndexOf('/') + 1);
  const application = project.files.find((file) => file.startsWith(folder) && /\/wsgi\.py$/.test(file))?.slice(folder.length).replace(/\.py$/, '').replace(/\//g, '.'); // prettier-ignore
  const chdir = folder === '' ? '' : ` --chdir ${folder.slice(0, -1)}`;
  const start =
    /\bgunicorn\b/.test(declared) && application !== undefined
      ? `${python} -m gunicorn${chdir} --bind ${host}:$PORT ${application}`
      : `${python} ${manage} runserver --noreload ${host}:$PORT`;
  return { kind: 'process', start };
}

function serverOf(
  project: ProjectFolder,
  framework: ReturnType<typeof frameworkOf>,
  python: string,
  declared: string,
): FoundServer | undefined {
  if (framework) {
    const { of, file, variable } = framework;
    const fromSource = file.startsWith('src/') && !project.has('src/__init__.py') ? file.slice(4) : file;
    const module = fromSource.replace(/(\/__init__)?\.py$/, '').replace(/\//g, '.');
    const start = `${python} ${of.run({ module, file, variable, has: (name) => new RegExp(`\\b${name}\\b`).test(declared) })}`;
    const found = serverAt(project, start, [file]);
    return { kind: 'process', start, health: found.health, ...(fromSource !== file && { env: { PYTHONPATH: 'src' } }) };
  }
  const programs = project
    .sources(/\.py$/)
    .filter((file) => /^[\w./-]+$/.test(file) && (!file.includes('/') || file.startsWith('src/')))
    .filter((file) => /serve_forever|\.run\(|run_app\(|\.listen\(|\.launch\(|\brun\(/.test(project.text(file)));
  const servers = project.matching(programs, /\b(socketserver|http\.server|aiohttp|tornado|sanic|bottle|quart|cherrypy|falcon|waitress|wsgiref|websockets|gradio|uvicorn|HTTPServer)\b|PORT["']/); // prettier-ignore
  const [first, ...others] = servers;
  if (first === undefined) return undefined;
  const found = { ...serverAt(project, `${python} ${first}`, [first]), ...sourceFolder(project) };
  return others.length === 0 ? found : { ...found, question: `which program serves: ${servers.slice(0, 5).join(', ')}?` };
}
