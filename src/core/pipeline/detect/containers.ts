import type { Found } from './found';
import type { ProjectFolder } from './project';

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
