import { definitionName, type Pipeline } from '../../model/pipeline';
import { packing } from '../export/archive';
import { ownBranches } from '../../git/delivery-branches';
import type { CiFile, CiPipeline, ExportOptions } from '../ci-service';
import { below, isGlob, plainGlobs, type PlainGlobs } from '../export/plain-globs';
import { handingNothingOn, hasPrograms, isOwnCommand, jobsOf, type Job } from '../export/jobs';
import { distinctNames } from '../export/distinct-names';
import { commonWarnings } from '../export/warnings';
import { deliverStep, retried, word } from '../export/shell';
import { indented, yamlText } from '../export/yaml-text';

const folder = '.github/workflows';

/** Documented at docs.github.com/actions/reference/limits. */
const limits = { fileBytes: 500_000, hostedJobMinutes: 360 };

/** The first ones that run on Node 24: runners have had no Node 20 since September 2026 (github.blog/changelog/2025-09-19). */
const actions = {
  checkout: 'actions/checkout@v6',
  cache: 'actions/cache@v5',
  upload: 'actions/upload-artifact@v7',
  download: 'actions/download-artifact@v8',
};

interface Around {
  readonly service: CiPipeline;
  readonly options: ExportOptions;
}

/** Returns the workflow of one service. */
export function workflow(service: CiPipeline, options: ExportOptions): CiFile {
  const { pipeline } = service;
  const path = `${folder}/deliver-${pipeline.service}.yml`;
  const jobs = jobsOf(
    pipeline,
    distinctNames(
      pipeline.steps.map((step) => step.name),
      jobId,
    ),
  );
  const around = { service, options };
  const head = yamlText({
    name: `Deliver ${pipeline.service}`,
    on: {
      // Deliver starts those on its own branches itself.
      push: { branches: ['**', `!${ownBranches}**`], ...(service.folder !== '' && { paths: [`${service.folder}/**`, path] }) },
      workflow_dispatch: null,
    },
    permissions: { contents: 'read' },
    concurrency: { group: `deliver-${pipeline.service}-\${{ github.ref }}`, 'cancel-in-progress': false },
    defaults: { run: { shell: 'sh {0}', ...(service.folder !== '' && { 'working-directory': service.folder }) } },
    env: { DELIVERY_SERVICE: pipeline.service, DELIVERY_COMMIT: '${{ github.sha }}' },
  }).replace(/: null$/gm, ':');
  const body = [
    head,
    'jobs:',
    jobs.map((job) => indented(yamlText({ [job.id]: jobBody(job, around) }, { old: true }), '  ')).join('\n'),
  ].join('\n');
  return {
    path,
    service: pipeline.service,
    source: below(service.folder, definitionName),
    body: body.replace(/\n*$/, '\n'),
    notes: [...commonWarnings(pipeline, jobs, { runner: '`runs-on: self-hosted`' }), ...notesOf(pipeline, jobs, body)],
  };
}

/** Letters, digits, `-` and `_`, beginning with a letter or `_`. */
function jobId(step: string): string {
  const id = step.replace(/[^A-Za-z0-9_-]/g, '-');
  return /^[A-Za-z_]/.test(id) ? id : `_${id}`;
}

/** Pushes to other branches are built and tested, and go no further. */
const isDelivered = `github.event_name == 'workflow_dispatch' || github.ref_name == github.event.repository.default_branch`;

function jobBody(job: Job, around: Around): Record<string, unknown> {
  const { step } = job;
  return {
    ...(job.id !== step.name && { name: step.name }),
    ...(job.needs.length > 0 && { needs: job.needs.map((need) => need.id) }),
    ...(job.isRelease && { if: isDelivered }),
    'runs-on': job.environment === undefined ? 'ubuntu-latest' : 'self-hosted',
    ...(step.deploy !== undefined && { environment: { name: step.deploy, url: '${{ steps.deliver.outputs.url }}' } }),
    ...(job.environment !== undefined && {
      concurrency: { group: `deliver-to-${job.environment}`, ...(!isEnterprise(around.service.pipeline) && { queue: 'max' }) },
    }),
    steps: stepsOf(job, around),
  };
}

/**
 * What Enterprise servers do not know: one key of a workflow that is unknown makes all of it invalid. `queue` is of May 2026
 * (github.blog/changelog/2026-05-07), and their artifacts are those of before v4 (actions/upload-artifact, README).
 */
function isEnterprise({ engine }: Pipeline): boolean {
  return engine?.kind === 'github' && engine.url !== undefined && !/^https:\/\/(?:[\w-]+\.)?(?:github|ghe)\.com\/?$/.test(engine.url);
}

type ActionStep = Record<string, unknown>;

function stepsOf(job: Job, around: Around): ActionStep[] {
  const { step } = job;
  const cache = cacheOf(job, around.service);
  const unless = cache && { if: "steps.unchanged.outputs.cache-hit != 'true'" };
  return [
    { uses: actions.checkout, with: { 'fetch-depth': 0 } },
    ...(cache ?? []),
    ...takeOver(job, around.service).map((each) => ({ ...unless, ...each })),
    ...(isOwnCommand(step) && hasPrograms(job)
      ? [{ name: 'Installed programs', run: 'echo "$PWD/node_modules/.bin" >> "$GITHUB_PATH"' }]
      : []),
    { ...unless, ...mainStep(job, around) },
    ...(cache && step.outputs.length === 0 ? [{ ...unless, name: 'Remember', run: remember(job, around.service) }] : []),
    ...(step.outputs.length > 0 ? handOver(job, around.service) : []),
    ...(step.reports.length > 0 ? [reportsOf(job, around.service)] : []),
  ];
}

function mainStep(job: Job, { service, options }: Around): ActionStep {
  const { step } = job;
  const up = service.folder === '' ? './' : '../'.repeat(service.folder.split('/').length);
  const own = isOwnCommand(step);
  const command = own ? retried(step.run ?? '', step.retries + 1) : deliverStep(step.name, { ...options, up });
  const env = {
    ...(own && Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, literal(value)]))),
    ...Object.fromEntries(step.secrets.map((secret) => [secret, `\${{ secrets.${secret} }}`])),
  };
  return {
    name: step.name,
    ...(step.deploy !== undefined && { id: 'deliver' }),
    run: own ? literal(command) : command,
    ...(Object.keys(env).length > 0 && { env }),
    ...(own && step.timeoutMs !== undefined && { 'timeout-minutes': Math.ceil((step.timeoutMs * (step.retries + 1)) / 60_000) }),
  };
}

/** What GitHub would take for one of its expressions. */
function literal(text: string): string {
  return text.replace(/\$\{\{/g, "${{ '${{' }}");
}

/** Looks up what the step made of the same files. Absent where the step runs every time. */
function cacheOf(job: Job, service: CiPipeline): ActionStep[] | undefined {
  const { key, step } = job;
  const inputs = key && plainGlobs(key.inputs);
  const outputs = plainGlobs(step.outputs);
  if (!key || !inputs || !outputs) return undefined;
  const paths = step.outputs.length === 0 ? [passed(job, service)] : pathsOf(outputs, service.folder);
  return [
    {
      id: 'inputs',
      // Where git cannot answer, the job fails: an empty list would look like unchanged inputs.
      run: `files=$(git ls-files -s -- ${pathspecs(inputs)}) &&\necho "key=$(printf %s "$files" | git hash-object --stdin)" >> "$GITHUB_OUTPUT"`,
    },
    {
      id: 'unchanged',
      uses: actions.cache,
      with: {
        path: paths.join('\n'),
        key: `${service.pipeline.service}-${step.name}-\${{ runner.os }}-\${{ runner.arch }}-${key.digest}-\${{ steps.inputs.outputs.key }}`,
      },
    },
  ];
}

/** A step without outputs leaves only this: that it passed. */
function passed(job: Job, service: CiPipeline): string {
  return `~/.deliver-passed/${service.pipeline.service}-${job.step.name}`;
}

function remember(job: Job, service: CiPipeline): string {
  return `mkdir -p ~/.deliver-passed && date > ${passed(job, service)}`;
}

function pathspecs({ wanted, unwanted }: PlainGlobs): string {
  const magic = (path: string, more: string): string => (isGlob(path) ? `:(${more}glob)${path}` : more === '' ? path : `:(exclude)${path}`);
  return [...wanted.map((path) => magic(path, '')), ...unwanted.map((path) => magic(path, 'exclude,'))].map(word).join(' ');
}

function pathsOf({ wanted, unwanted }: PlainGlobs, inside: string): string[] {
  return [...wanted.map((path) => below(inside, path)), ...unwanted.map((path) => `!${below(inside, path)}`)];
}

function artifactOf(job: Job, service: CiPipeline): string {
  return `${service.pipeline.service}-${job.step.name}`;
}

/** As an archive: artifacts keep neither modes nor links by themselves. */
function handOver(job: Job, service: CiPipeline): ActionStep[] {
  const file = `${artifactOf(job, service)}.tgz`;
  const { command, isForBash } = packing(job.step.outputs, `"$RUNNER_TEMP/${file}"`);
  return [
    { name: 'Hand over', run: command, ...(isForBash && { shell: 'bash' }) },
    {
      uses: actions.upload,
      with: { name: artifactOf(job, service), path: `\${{ runner.temp }}/${file}`, 'retention-days': 7, overwrite: true },
    },
  ];
}

function takeOver({ handed }: Job, service: CiPipeline): ActionStep[] {
  const names = handed.map((job) => artifactOf(job, service));
  const [only, ...more] = names;
  if (only === undefined) return [];
  const which = more.length === 0 ? { name: only } : { pattern: `{${names.join(',')}}`, 'merge-multiple': true };
  return [
    { uses: actions.download, with: { ...which, path: '${{ runner.temp }}' } },
    { name: 'Take over', run: names.map((name) => `tar -xzf "$RUNNER_TEMP/${name}.tgz"`).join(' &&\n') },
  ];
}

function reportsOf(job: Job, service: CiPipeline): ActionStep {
  const globs = plainGlobs(job.step.reports);
  const paths = globs ? pathsOf(globs, service.folder) : job.step.reports.map((path) => below(service.folder, path));
  return {
    if: '!cancelled()',
    uses: actions.upload,
    with: {
      name: `${artifactOf(job, service)}-reports`,
      path: paths.join('\n'),
      // Left out by themselves are files that begin with a dot, and all that is in such folders.
      ...(paths.some((path) => /(^|\/)\.[^./]/.test(path)) && { 'include-hidden-files': true }),
      'if-no-files-found': 'ignore',
      overwrite: true,
    },
  };
}

function notesOf(pipeline: Pipeline, jobs: readonly Job[], body: string): string[] {
  const { service } = pipeline;
  const idle = handingNothingOn(jobs);
  const unkeyed = jobs.filter(({ key, step }) => key && !(plainGlobs(key.inputs) && plainGlobs(step.outputs)));
  const bytes = Buffer.byteLength(body);
  const slow = jobs.filter(
    ({ step, environment }) => environment === undefined && (step.timeoutMs ?? 0) > limits.hostedJobMinutes * 60_000,
  );
  return [
    ...(idle.length > 0
      ? [`each job of ${service} has a machine of its own: what ${idle.join(', ')} leave behind without \`outputs\` is gone`]
      : []),
    ...(isEnterprise(pipeline) && body.includes(actions.upload)
      ? ['limit: Enterprise servers take artifacts only of actions/upload-artifact@v3 and actions/download-artifact@v3']
      : []),
    ...(unkeyed.length > 0 ? [`${unkeyed.map(({ step }) => step.name).join(', ')}: patterns that git does not know; run every time`] : []),
    ...(bytes > limits.fileBytes
      ? [
          `limit: the workflow of ${service} has ${Math.ceil(bytes / 1000)} kB, and GitHub starts none of more than ${limits.fileBytes / 1000} kB`,
        ]
      : []),
    ...slow.map(({ step }) => `limit: GitHub ends a job on its own runners after 6 hours, before the timeout of ${step.name}`),
  ];
}
