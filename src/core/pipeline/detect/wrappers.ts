import type { Found, FoundStep, ProjectFolder } from './project';

/** Detects make: targets with common names, or else the default target. */
export function detectMake(project: ProjectFolder): Found | undefined {
  const file = project.first('GNUmakefile', 'makefile', 'Makefile');
  if (file === undefined) return undefined;
  const targets = new Set(
    [...project.text(file).matchAll(/^([A-Za-z0-9][\w .-]*?)\s*::?(?!=)/gm)].flatMap((match) => (match[1] ?? '').split(/\s+/)),
  );
  const target = (...names: string[]): string | undefined => names.find((name) => targets.has(name));
  const build = target('build', 'all');
  const test = target('test', 'check', 'tests');
  const lint = target('lint');
  const steps: FoundStep[] = [
    { name: 'build', run: build === undefined ? 'make' : `make ${build}` },
    ...(lint === undefined ? [] : [{ name: 'lint', run: `make ${lint}`, needs: ['build'] }]),
    ...(test === undefined ? [] : [{ name: 'test', run: `make ${test}`, needs: [lint === undefined ? 'build' : 'lint'] }]),
  ];
  // Without a common build target, the default target may be anything, including the tests.
  const skipBuild = build === undefined && (test !== undefined || lint !== undefined);
  const kept = skipBuild
    ? steps.slice(1).map((step) => ({ ...step, needs: (step.needs ?? []).filter((need) => need !== 'build') }))
    : steps;
  return { label: 'Make', prefix: 'make', steps: kept, general: true };
}

export function detectDockerfile(project: ProjectFolder, service: string): Found | undefined {
  const file = project.first('Dockerfile', 'Containerfile');
  if (file === undefined) return undefined;
  const run = `docker build --tag ${service.toLowerCase()}${file === 'Dockerfile' ? '' : ` --file ${file}`} .`;
  return {
    label: file,
    prefix: 'docker',
    steps: [{ name: 'image', run, inputs: ['**'] }],
    suggestion: [`The ${file} can be built as a step, where docker runs:`, '  image:', `    run: ${run}`],
    general: true,
  };
}

export function detectCompose(project: ProjectFolder): Found | undefined {
  const file = project.first('compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml');
  if (file === undefined) return undefined;
  return {
    label: file,
    prefix: 'compose',
    steps: [{ name: 'images', run: `docker compose --file ${file} build` }],
    suggestion: [
      `The services of ${file} can be an environment, where docker runs:`,
      'environments:',
      '  staging:',
      `    compose: {file: ${file}}`,
    ],
    general: true,
  };
}
