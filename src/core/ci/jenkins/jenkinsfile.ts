import { definitionName } from '../../model/pipeline';
import { wordList } from '../../support/format';
import type { CiFile, CiPipeline, ExportOptions } from '../ci-service';
import { below } from '../export/plain-globs';
import { commonWarnings, isOwnCommand, jobsOf, minutesOf, programFolders, type Job } from '../export/jobs';
import { deliverStep, isProgram } from '../export/shell';

/**
 * Jenkins compiles a declarative pipeline into one method, which the JVM limits to 64 kB of bytecode. The number of lines that fit
 * varies; 495 lines were too many (JENKINS-37984).
 */
const limits = { lines: 450 };

interface ExportContext {
  readonly service: CiPipeline;
  readonly options: ExportOptions;
}

/** Returns the declarative pipeline of one service, in the service's folder. */
export function jenkinsfile(service: CiPipeline, options: ExportOptions): CiFile {
  const { pipeline, folder } = service;
  const jobs = jobsOf(pipeline, (step) => step);
  const context = { service, options };
  const extensions = [
    ...(options.repository?.read('.gitmodules') === undefined ? [] : ['submodule(recursiveSubmodules: true, parentCredentials: true)']),
    ...(options.repository?.usesLfs ? ['lfs()'] : []),
  ].join(', ');
  const checkout = `checkout scmGit(branches: scm.branches, userRemoteConfigs: scm.userRemoteConfigs, extensions: scm.extensions + [${extensions}])`;
  const body = [
    'pipeline {',
    '  agent any',
    '  options {',
    '    disableConcurrentBuilds()',
    // A build that prints nothing for this long hangs.
    `    timeout(time: ${Math.max(...jobs.map(({ step }) => minutesOf(step, 1)))}, unit: 'MINUTES', activity: true)`,
    '  }',
    '  environment {',
    `    CI = 'true'`,
    `    DELIVERY_SERVICE = ${groovyText(pipeline.service)}`,
    `    DELIVERY_COMMIT = "\${env.GIT_COMMIT}"`,
    '  }',
    '  stages {',
    ...(extensions ? [`    stage('Submodules and large files') {`, '      steps {', `        ${checkout}`, '      }', '    }'] : []),
    ...waves(jobs).flatMap((wave) => waveLines(wave, context)),
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

/** Groups jobs into waves: a job is in the first wave after all jobs that it needs. */
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

function waveLines(wave: readonly Job[], context: ExportContext): string[] {
  const [only] = wave;
  if (only && wave.length === 1) return stageLines(only, context, '    ');
  return [
    `    stage(${groovyText(waveName(wave.map(({ step }) => step.name)))}) {`,
    '      parallel {',
    ...wave.flatMap((job) => stageLines(job, context, '        ')),
    '      }',
    '    }',
  ];
}

function waveName(steps: readonly string[]): string {
  return wordList(steps.length > 3 ? [...steps.slice(0, 2), `${steps.length - 2} more`] : steps, 'and');
}

function stageLines(job: Job, context: ExportContext, indent: string): string[] {
  const { step } = job;
  const { folder } = context.service;
  const own = isOwnCommand(step);
  const variables = [
    ...(own ? Object.entries(step.env).map(([name, value]) => `${name} = ${groovyText(value)}`) : []),
    ...step.secrets.map((secret) => `${secret} = credentials(${groovyText(secret)})`),
  ];
  const lines = [
    `stage(${groovyText(step.name)}) {`,
    ...(job.isRelease ? inner(['when {', `  expression { env.BRANCH_NAME == null || env.BRANCH_IS_PRIMARY == 'true' }`, '}']) : []),
    ...(variables.length > 0 ? inner(['environment {', ...inner(variables), '}']) : []),
    ...inner(['steps {', ...inner(inFolder(folder, stepLines(job, context))), '}']),
    ...(step.reports.length > 0 ? inner(['post {', '  always {', ...inner(inner(reportLines(job, folder))), '  }', '}']) : []),
    '}',
  ];
  return lines.map((line) => `${indent}${line}`);
}

function stepLines(job: Job, { service, options }: ExportContext): string[] {
  const { step } = job;
  const { run = '', timeoutMs, retries } = step;
  if (!isOwnCommand(step)) return [`sh ${groovyText(deliverStep(step.name, options, 'WORKSPACE'))}`];
  // Without its own first line, Jenkins runs a script by `sh -xe`.
  let lines = [`sh ${groovyText(isProgram(run) ? run : `#!/bin/sh\n${run}`)}`];
  const programs = programFolders(job, service.folder, options).map((folder) => `\${env.WORKSPACE}/${folder}`);
  if (programs.length > 0) lines = [`withEnv(["PATH+PROGRAMS=${programs.join(':')}"]) {`, ...inner(lines), '}'];
  if (timeoutMs !== undefined) {
    const [time, unit] = timeoutMs % 60_000 === 0 ? [timeoutMs / 60_000, 'MINUTES'] : [Math.ceil(timeoutMs / 1000), 'SECONDS'];
    lines = [`timeout(time: ${time}, unit: '${unit}') {`, ...inner(lines), '}'];
  }
  return retries > 0 ? [`retry(${retries + 1}) {`, ...inner(lines), '}'] : lines;
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

/** Returns a Groovy string literal without interpolation. */
export function groovyText(text: string): string {
  // Groovy reads a carriage return as a line break.
  const escaped = text.replace(/\\/g, '\\\\').replace(/'/g, `\\'`).replace(/\r/g, '\\r');
  return text.includes('\n') ? `'''${escaped}'''` : `'${escaped}'`;
}
