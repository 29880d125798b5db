import { dangerOf } from './danger';
import { staticServer } from './node';
import { healthPathIn, serverAt } from './port';
import type { Found, FoundServer, FoundStep, ProjectFolder } from './project';

const everything = ['**'];
const host = '127.0.0.1';

export function detectRuby(project: ProjectFolder): Found | undefined {
  if (!project.has('Gemfile')) return undefined;
  const gems = project.text('Gemfile') + project.text('Gemfile.lock');
  const isRails = project.has('config/application.rb');
  const env = { BUNDLE_PATH: 'vendor/bundle' };
  const install: FoundStep = {
    name: 'install',
    run: 'bundle install',
    env,
    ...(project.has('Gemfile.lock') && { inputs: ['Gemfile', 'Gemfile.lock', '*.gemspec'], outputs: ['vendor/bundle/**'] }),
  };
  const test = project.has('spec')
    ? 'bundle exec rspec'
    : !project.has('test')
      ? undefined
      : isRails
        ? 'bundle exec rails test'
        : 'bundle exec rake test';
  const server = rubyServer(project, gems, isRails);
  return {
    label: isRails ? 'Rails' : 'Ruby',
    prefix: 'ruby',
    steps: [install, ...(test === undefined ? [] : [{ name: 'test', run: test, needs: ['install'], env, inputs: everything }])],
    server: server && { ...server, env },
  };
}

function rubyServer(project: ProjectFolder, gems: string, isRails: boolean): FoundServer | undefined {
  const health = healthPathIn(
    project
      .sources(/\.(rb|ru)$/)
      .map((file) => project.text(file))
      .join('\n'),
  );
  const serve = (start: string): FoundServer => ({ kind: 'process', start, health });
  if (isRails) return { ...serve(`bundle exec rails server --binding ${host} --port $PORT`), health: /rails\/health#show/.test(project.text('config/routes.rb')) ? '/up' : health }; // prettier-ignore
  if (/\bjekyll\b/.test(gems)) return { ...serve(`bundle exec jekyll serve --no-watch --host ${host} --port $PORT`), isStatic: true };
  if (project.has('config.ru'))
    return serve(/\bpuma\b/.test(gems) ? `bundle exec puma --bind tcp://${host}:$PORT` : `bundle exec rackup --host ${host} --port $PORT`);
  const sinatra = project.matching(project.sources(/^[\w-]+\.rb$/), /require ['"]sinatra['"]/)[0];
  return sinatra === undefined ? undefined : serve(`bundle exec ruby ${sinatra} -o ${host} -p $PORT`);
}

export function detectPhp(project: ProjectFolder): Found | undefined {
  const index = project.first('public/index.php', 'web/index.php', 'index.php');
  if (!project.has('composer.json') && index === undefined) return undefined;
  const manifest = project.text('composer.json');
  const hooks = /"post-(?:install|autoload-dump)[\w-]*"\s*:\s*(\[[^\]]*\]|"[^"]*")/g;
  const danger = [...manifest.matchAll(hooks)].map((match) => dangerOf(match[1] ?? '')).find((one) => one !== undefined);
  const install: FoundStep[] = project.has('composer.json')
    ? [{ name: 'install', run: `composer install --no-interaction --prefer-dist${danger === undefined ? '' : ' --no-scripts'}` }]
    : [];
  const cached = project.has('composer.lock') && danger === undefined && !/"scripts"/.test(manifest);
  const installs = cached
    ? install.map((step) => ({ ...step, inputs: ['composer.json', 'composer.lock'], outputs: ['vendor/**'] }))
    : install;
  const needs = install.map(({ name }) => name);
  const runner = /pestphp\/pest"/.test(manifest) ? 'pest' : /phpunit\/phpunit"/.test(manifest) ? 'phpunit' : undefined;
  const test = runner === undefined ? [] : [{ name: 'test', run: `vendor/bin/${runner} --log-junit reports/${runner}.xml`, needs, inputs: everything, reports: [`reports/${runner}.xml`] }]; // prettier-ignore
  const lint = { name: 'check', run: `php -l ${index ?? ''}`, inputs: everything, comment: 'there is no test yet: add one here' };
  const folder = index?.split('/').slice(0, -1).join('/');
  const start = project.has('artisan')
    ? `php artisan serve --host=${host} --port=$PORT`
    : `php -S ${host}:$PORT${folder ? ` -t ${folder}` : ''}`;
  return {
    label: 'PHP',
    prefix: 'php',
    steps: [...installs, ...(test.length === 0 && index !== undefined && install.length === 0 ? [lint] : test)],
    server: index === undefined && !project.has('artisan') ? undefined : { kind: 'process', start },
  };
}

export function detectDeno(project: ProjectFolder): Found | undefined {
  const file = project.first('deno.json', 'deno.jsonc');
  if (file === undefined) return undefined;
  const config = project.text(file);
  const task = (name: string): string | undefined =>
    new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)"`).exec(/"tasks"\s*:\s*\{[^}]*\}/.exec(config)?.[0] ?? '')?.[1];
  const safe = (name: string): boolean => task(name) !== undefined && dangerOf(task(name) ?? '') === undefined;
  const sources = project.sources(/\.[jt]sx?$/);
  const entry = ['main.ts', 'server.ts', 'mod.ts', 'index.ts', 'src/main.ts', 'src/server.ts', 'main.js', 'server.js', 'main.tsx'].find(
    (one) => project.has(one),
  );
  const hasTests = project.files.some((one) => /[._]test\.[jt]sx?$/.test(one));
  const inputs = everything;
  const steps: FoundStep[] = [
    ...(safe('build') ? [{ name: 'build', run: 'deno task build' }] : []),
    ...(entry === undefined ? [] : [{ name: 'check', run: `deno check ${entry}`, inputs }]),
    ...(safe('test')
      ? [{ name: 'test', run: 'deno task test', inputs }]
      : hasTests
        ? [{ name: 'test', run: 'deno test --allow-all', inputs }]
        : []),
  ];
  const server = denoServer(project, entry, sources, safe('start') && !/--watch/.test(task('start') ?? ''));
  return { label: 'Deno', prefix: 'deno', steps, server };
}

function denoServer(
  project: ProjectFolder,
  entry: string | undefined,
  sources: readonly string[],
  hasStart: boolean,
): FoundServer | undefined {
  if (entry !== undefined && /export default \{[\s\S]*fetch/.test(project.text(entry)))
    return { kind: 'process', start: `deno serve --allow-all --host ${host} --port $PORT ${entry}` };
  if (entry === undefined && !hasStart) return undefined;
  const found = serverAt(project, hasStart ? 'deno task start' : `deno run --allow-all ${entry}`, sources);
  // Deno.serve takes the address from the variable unless the program names a port.
  if (found.question === undefined || /listens on port/.test(found.question)) return found;
  return project.matching(sources, /Deno\.serve\(/).length > 0 ? { ...found, start: `DENO_SERVE_ADDRESS=tcp:${host}:$PORT ${found.start}`, question: undefined } : undefined; // prettier-ignore
}

/** Detects a folder of plain pages. */
export function detectPages(project: ProjectFolder): Found | undefined {
  const index = project.first('index.html', 'public/index.html', 'site/index.html', 'www/index.html', 'docs/index.html');
  if (index === undefined) return undefined;
  const folder = index.split('/').slice(0, -1).join('/') || '.';
  return {
    label: index,
    prefix: 'pages',
    steps: [],
    server: { kind: 'process', start: staticServer(folder), isStatic: true },
    general: true,
  };
}
