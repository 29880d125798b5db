import type { Found, FoundServer } from './found';
import { healthPathIn, type ProjectFolder } from './project';

const everything = ['**'];

export function detectGo(project: ProjectFolder): Found | undefined {
  if (!project.has('go.mod')) return undefined;
  const sources = project.files.filter((file) => file.endsWith('.go') && !file.endsWith('_test.go'));
  const programs = project.matching(sources, /^package main\b/m).filter((file) => !/^\/\/go:build ignore/m.test(project.text(file)));
  const tests = project.files.some((file) => file.endsWith('_test.go'));
  const build =
    programs.length > 0
      ? { name: 'build', run: 'go build -o bin/ ./...', inputs: everything, outputs: ['bin/**'] }
      : { name: 'build', run: 'go build ./...', inputs: everything };
  return {
    label: 'Go',
    prefix: 'go',
    steps: [
      build,
      { name: 'vet', run: 'go vet ./...', inputs: everything },
      ...(tests ? [{ name: 'test', run: 'go test ./...', inputs: everything }] : []),
    ],
    server: serverOf(project, programs),
  };
}

function serverOf(project: ProjectFolder, programs: readonly string[]): FoundServer | undefined {
  const [reader, ...others] = project.matching(programs, /os\.(Getenv|LookupEnv)\("PORT"\)/);
  if (reader === undefined || others.length > 0) return undefined;
  const folder = reader.split('/').slice(0, -1);
  const module = /^module\s+"?([^\s"]+)/m.exec(project.text('go.mod'))?.[1]?.replace(/\/v\d+$/, '');
  const name = folder.at(-1) ?? module?.split('/').at(-1);
  return name === undefined ? undefined : { command: `./bin/${name}`, health: healthPathIn(project.text(reader)) };
}
