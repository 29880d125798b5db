import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Found } from './found';
import type { ProjectFolder } from './project';

const everything = ['**'];

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
