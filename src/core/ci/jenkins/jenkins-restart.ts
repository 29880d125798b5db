import { packingAnywhere } from '../export/archive';
import { groovyText } from './groovy';
import { isOwnCommand, type Job } from '../export/jobs';
import { word } from '../export/shell';

/** Of how many builds Jenkins keeps what their stages handed on (pipeline-model-definition, `PreserveStashesJobProperty`). */
export const keptBuilds = 10;

/** What the plugin “Pipeline: Declarative” calls the cause of a build that begins at a later stage. */
const cause = '"_class":"org.jenkinsci.plugins.pipeline.modeldefinition.causes.RestartDeclarativePipelineCause"';

/** The jobs whose stages a restart may begin at, each with those whose outputs it has to find. */
export type Restarts = ReadonlyMap<Job, readonly Job[]>;

/**
 * Where a build may be restarted with the same result as from its start. All stages share one workspace, which a restart does not
 * find again: it is checked out anew, on any machine, among what other builds left. So it begins at a stage only where
 *
 * - the stage is one of its own: Jenkins restarts a parallel group as a whole, and none of its branches can put outputs back while
 *   the others run beside it;
 * - each step before it that is needed from there on says what it leaves (`outputs`), or that it leaves nothing (`inputs` alone:
 *   where those are unchanged a local run passes over it, too);
 * - nothing before it deploys or verifies: what is live may have been rolled back since.
 */
export function restartsOf(waves: readonly (readonly Job[])[]): Restarts {
  const found = new Map<Job, readonly Job[]>();
  for (const [index, [only, second]] of waves.entries()) {
    if (index === 0 || !only || second) continue;
    const before = waves.slice(0, index).flat();
    const needed = neededBy(waves.slice(index).flat());
    const isOpen = before.some((job) => job.environment !== undefined || (needed.has(job) && !saysWhatItLeaves(job)));
    if (!isOpen)
      found.set(
        only,
        before.filter(({ step }) => step.outputs.length > 0),
      );
  }
  return found;
}

/** With all that those need in turn. */
function neededBy(jobs: readonly Job[]): Set<Job> {
  const needed = new Set<Job>();
  const add = (job: Job): void => {
    if (needed.has(job)) return;
    needed.add(job);
    job.needs.forEach(add);
  };
  for (const { needs } of jobs) needs.forEach(add);
  return needed;
}

function saysWhatItLeaves(job: Job): boolean {
  return isOwnCommand(job.step) && (job.step.outputs.length > 0 || job.step.inputs !== undefined);
}

/** First in the stage that a restart may begin at. */
export function takeOverLine(handed: readonly Job[]): string {
  return `script { takeOver([${handed.map(({ step }) => groovyText(step.name)).join(', ')}]) }`;
}

/** Last in a stage: its outputs, as they are then. */
export function handOverLine({ step }: Job, folder: string): string {
  const { command, isForBash } = packingAnywhere(step.outputs, '"$HANDED"');
  const inFolder = folder === '' ? command : `cd ${word(folder)} &&\n${command}`;
  return `script { handOver(${groovyText(step.name)}, ${groovyText(isForBash ? `#!/bin/bash\n${inFolder}` : `set +x\n${inFolder}`)}) }`;
}

/**
 * What these lines call. Where an archive cannot be made, for want of a tar, say, the build goes on without: it is not restarted then.
 * An image that steps run in may have no git.
 */
export function restartFunctions(folder: string): string[] {
  return `
def handOver(String name, String command) {
  def there = pwd(tmp: true)
  def failed = 0
  withEnv(["HANDED=\${there}/\${name}.tgz"]) {
    failed = sh(returnStatus: true, script: command)
  }
  if (failed == 0) {
    dir(there) {
      stash(name: name, includes: name + '.tgz')
    }
  }
}

def takeOver(List names) {
  def isRestart = currentBuild.getBuildCauses().toString().contains('${cause}')
  if (isRestart && env.DELIVERY_TAKEN_OVER != env.BUILD_NUMBER) {
    env.DELIVERY_TAKEN_OVER = env.BUILD_NUMBER
    def there = pwd(tmp: true)
    if (sh(returnStatus: true, script: 'git clean -ffdxq') != 0) {
      deleteDir()
      checkout(scm)
    }
    for (name in names) {
      dir(there) {
        unstash(name)
      }
      withEnv(["HANDED=\${there}/\${name}.tgz"]) {
        sh ${groovyText(`tar -xzf "$HANDED"${folder === '' ? '' : ` -C ${word(folder)}`}`)}
      }
    }
  }
}
`
    .trimEnd()
    .split('\n');
}

export interface RestartableStage {
  readonly name: string;
  /** A build can be restarted there while no more than so many have ended since, itself among them. */
  readonly builds: number;
  /** The steps whose outputs it takes over. */
  readonly handed: readonly string[];
}

/** The stages of an exported pipeline that a restart may begin at, in its order. A person's own `options` may keep nothing. */
export function restartableStages(jenkinsfile: string): RestartableStage[] {
  const builds = Number(/^ +preserveStashes\(buildCount: (\d+)\)/m.exec(jenkinsfile)?.[1] ?? 0);
  const found: RestartableStage[] = [];
  let stage: string | undefined;
  for (const line of jenkinsfile.split(/\r?\n/)) {
    stage = /^ {4}stage\('([^'\\]+)'\) \{$/.exec(line)?.[1] ?? stage;
    const names = /^ {8}script \{ takeOver\(\[(.*)\]\) \}$/.exec(line)?.[1];
    if (stage === undefined || names === undefined || (names !== '' && builds === 0)) continue;
    const handed = [...names.matchAll(/'([^']+)'/g)].map(([, name = '']) => name);
    found.push({ name: stage, builds: names === '' ? Infinity : builds, handed });
  }
  return found;
}
