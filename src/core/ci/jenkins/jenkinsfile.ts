import { definitionName } from '../../model/pipeline';
import type { CiFile, CiPipeline, ExportOptions } from '../ci-service';
import { below } from '../export/plain-globs';
import { groovyText } from './groovy';
import { hasPrograms, isOwnCommand, jobsOf, type Job } from '../export/jobs';
import { commonWarnings } from '../export/warnings';
import { deliverStep, isCompound } from '../export/shell';

/**
 * Jenkins compiles a declarative pipeline into one method, which the JVM bounds to 64 kB of bytecode. How
 * many lines that is depends on them; one of 495 lines did not fit any more (JENKINS-37984).
 */
const limits = { lines: 450 };

interface Around {
  readonly service: CiPipeline;
  readonly options: ExportOptions;
}

/** Returns the declarative pipeline of one service, in the service's folder. */
export function jenkinsfile(service: CiPipeline, options: ExportOptions): CiFile {
  const { pipeline, folder } = service;
  const jobs = jobsOf(pipeline, (step) => step);
  const around = { service, options };
  const body = [
    'pipeline {',
    '  agent any',
    '  options {',
    '    disableConcurrentBuilds()',
    '  }',
    '  environment {',
    `    CI = 'true'`,
    `    DELIVERY_SERVICE = ${groovyText(pipeline.service)}`,
    `    DELIVERY_COMMIT = "\${env.GIT_COMMIT}"`,
    '  }',
    '  stages {',
    ...waves(jobs).flatMap((wave, index) => waveLines(wave, index, around)),
    '  }',
    '}',
    '',
  ];
  return {
    path: below(folder, 'Jenkinsfile'),
    service: pipeline.service,
    source: below(folder, definitionName),
    body: body.join('\n'),
    notes: [
      ...commonWarnings(pipeline, jobs, { runner: 'the `agent`' }),
      'Jenkins has no keys for inputs: every step is run every time',
      ...(body.length > limits.lines
        ? [
            `limit: the pipeline of ${pipeline.service} has ${body.length} lines; Jenkins may not compile it (64 kB a method) unless it is started with ` +
              '-Dorg.jenkinsci.plugins.pipeline.modeldefinition.parser.RuntimeASTTransformer.SCRIPT_SPLITTING_TRANSFORMATION=true',
          ]
        : []),
    ],
  };
}

/** Stages follow each other: a job comes in the first wave after all that it needs. */
function waves(jobs: readonly Job[]): Job[][] {
  const depths = new Map<Job, number>();
  const depthOf = (job: Job): number => {
    const known = depths.get(job) ?? Math.max(0, ...job.needs.map((need) => depthOf(need) + 1));
    depths.set(job, known);
    return known;
  };
  const found: Job[][] = [];
  for (const job of jobs) (found[depthOf(job)] ??= []).push(job);
  return found;
}

function waveLines(wave: readonly Job[], index: number, around: Around): string[] {
  const [only] = wave;
  if (only && wave.length === 1) return stageLines(only, around, '    ');
  return [
    `    stage('wave ${index + 1}') {`,
    '      parallel {',
    ...wave.flatMap((job) => stageLines(job, around, '        ')),
    '      }',
    '    }',
  ];
}

function stageLines(job: Job, { service, options }: Around, indent: string): string[] {
  const { step } = job;
  const own = isOwnCommand(step);
  const up = service.folder === '' ? './' : '../'.repeat(service.folder.split('/').length);
  const command = own ? (step.run ?? '') : deliverStep(step.name, { ...options, up });
  const variables = [
    ...(own ? Object.entries(step.env).map(([name, value]) => `${name} = ${groovyText(value)}`) : []),
    ...step.secrets.map((secret) => `${secret} = credentials(${groovyText(secret)})`),
  ];
  const lines = [
    `stage(${groovyText(step.name)}) {`,
    ...(job.isRelease ? inner(['when {', `  expression { env.BRANCH_NAME == null || env.BRANCH_IS_PRIMARY == 'true' }`, '}']) : []),
    ...(variables.length > 0 ? inner(['environment {', ...inner(variables), '}']) : []),
    ...inner(['steps {', ...inner(inFolder(service.folder, stepLines(job, own, command))), '}']),
    ...(step.reports.length > 0 ? inner(['post {', '  always {', ...inner(inner(reportLines(job, service.folder))), '  }', '}']) : []),
    '}',
  ];
  return lines.map((line) => `${indent}${line}`);
}

function stepLines(job: Job, own: boolean, command: string): string[] {
  const { step } = job;
  const script = own && isCompound(command) ? `set +e\n${command}` : command;
  let lines = [`sh ${groovyText(script)}`];
  if (own && hasPrograms(job)) lines = [`withEnv(["PATH+PROGRAMS=\${pwd()}/node_modules/.bin"]) {`, ...inner(lines), '}'];
  if (own && step.timeoutMs !== undefined) {
    const [time, unit] =
      step.timeoutMs % 60_000 === 0 ? [step.timeoutMs / 60_000, 'MINUTES'] : [Math.ceil(step.timeoutMs / 1000), 'SECONDS'];
    lines = [`timeout(time: ${time}, unit: '${unit}') {`, ...inner(lines), '}'];
  }
  return own && step.retries > 0 ? [`retry(${step.retries + 1}) {`, ...inner(lines), '}'] : lines;
}

function reportLines({ step }: Job, folder: string): string[] {
  return [`junit testResults: ${groovyText(step.reports.map((report) => below(folder, report)).join(','))}, allowEmptyResults: true`];
}

function inFolder(folder: string, lines: readonly string[]): string[] {
  return folder === '' ? [...lines] : [`dir(${groovyText(folder)}) {`, ...inner(lines), '}'];
}

function inner(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
