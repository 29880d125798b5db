import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Found, type FoundServer, healthPathIn, type ProjectFolder } from './project';

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
    server: goServer(project, programs),
  };
}

function goServer(project: ProjectFolder, programs: readonly string[]): FoundServer | undefined {
  const [reader, ...others] = project.matching(programs, /os\.(Getenv|LookupEnv)\("PORT"\)/);
  if (reader === undefined || others.length > 0) return undefined;
  const folder = reader.split('/').slice(0, -1);
  const module = /^module\s+"?([^\s"]+)/m.exec(project.text('go.mod'))?.[1]?.replace(/\/v\d+$/, '');
  const name = folder.at(-1) ?? module?.split('/').at(-1);
  return name === undefined ? undefined : { command: `./bin/${name}`, health: healthPathIn(project.text(reader)) };
}

/** Cargo itself skips up-to-date builds, so the build step has no inputs. */
export function detectRust(project: ProjectFolder): Found | undefined {
  if (!project.has('Cargo.toml')) return undefined;
  const locked = project.has('Cargo.lock') ? ' --locked' : '';
  const members = project.has('Cargo.toml') && /^\[workspace\]/m.test(project.text('Cargo.toml')) ? ' --workspace' : '';
  const server = rustServer(project);
  return {
    label: 'Rust',
    prefix: 'rust',
    steps: [
      { name: 'build', run: `cargo build${server ? ' --release' : ''}${locked}${members}` },
      { name: 'test', needs: ['build'], run: `cargo test${locked}${members}`, inputs: ['**'] },
    ],
    server,
  };
}

function rustServer(project: ProjectFolder): FoundServer | undefined {
  const manifest = project.text('Cargo.toml');
  const main = 'src/main.rs';
  if (!/env::var(_os)?\("PORT"\)/.test(project.text(main)) || /^\[\[bin\]\]/m.test(manifest)) return undefined;
  const name = /^\[package\][^[]*?^name\s*=\s*"([\w-]+)"/m.exec(manifest)?.[1];
  return name === undefined ? undefined : { command: `./target/release/${name}`, health: healthPathIn(project.text(main)) };
}

export function detectMaven(project: ProjectFolder): Found | undefined {
  if (!project.has('pom.xml')) return undefined;
  const maven = `${wrapper(project, 'mvnw') ?? 'mvn'} --batch-mode`;
  return {
    label: 'Maven',
    prefix: 'maven',
    steps: [
      { name: 'test', run: `${maven} test`, inputs: everything, reports: ['**/target/surefire-reports/*.xml'] },
      {
        name: 'build',
        needs: ['test'],
        run: `${maven} package -DskipTests`,
        inputs: everything,
        outputs: ['**/target/*.jar', '**/target/*.war'],
      },
    ],
  };
}

export function detectGradle(project: ProjectFolder): Found | undefined {
  if (project.first('build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts') === undefined) return undefined;
  // A Gradle daemon would outlive the step.
  const gradle = `${wrapper(project, 'gradlew') ?? 'gradle'} --no-daemon --console=plain`;
  return {
    label: 'Gradle',
    prefix: 'gradle',
    steps: [
      { name: 'test', run: `${gradle} test`, inputs: everything, reports: ['**/build/test-results/test/*.xml'] },
      { name: 'build', needs: ['test'], run: `${gradle} assemble`, inputs: everything, outputs: ['**/build/libs/**'] },
    ],
  };
}

function wrapper(project: ProjectFolder, name: string): string | undefined {
  if (!project.has(name)) return undefined;
  try {
    fs.accessSync(path.join(project.folder, name), fs.constants.X_OK);
    return `./${name}`;
  } catch {
    return `sh ${name}`;
  }
}
