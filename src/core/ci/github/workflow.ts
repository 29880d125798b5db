import { definitionName, type Pipeline, type Step } from '../../model/pipeline';
import { deliverStep, packing, retried, runBySh, secretChecks, word } from '../export/shell';
import { branchPrefix } from '../../git/snapshot-branch';
import type { CiFile, CiPipeline, ExportOptions } from '../ci-service';
import { below, isGlob, plainGlobs, type PlainGlobs } from '../export/plain-globs';
import {
  commonWarnings,
  distinctNames,
  hasNodeModules,
  stepsWithoutOutputs,
  isOwnCommand,
  jobsOf,
  minutesOf,
  programFolders,
  type Job,
} from '../export/jobs';
import { toolchainsOf } from '../export/toolchains';
import { indented, yamlText } from '../export/yaml-text';

const folder = '.github/workflows';

/** Documented at docs.github.com/actions/reference/limits. */
const limits = { fileBytes: 500_000, hostedJobMinutes: 360 };

/**
 * Pinned, because a tag can be moved; the version is a comment of the exported file. All run on Node 24: runners have had no Node 20 since
 * September 2026 (github.blog/changelog/2025-09-19).
 */
const actions = {
  checkout: 'actions/checkout@d23441a48e516b6c34aea4fa41551a30e30af803 # v6.1.0',
  cache: 'actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5',
  upload: 'actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0',
  download: 'actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1',
  node: 'actions/setup-node@249970729cb0ef3589644e2896645e5dc5ba9c38 # v6.5.0',
  python: 'actions/setup-python@ece7cb06caefa5fff74198d8649806c4678c61a1 # v6.3.0',
  go: 'actions/setup-go@924ae3a1cded613372ab5595356fb5720e22ba16 # v6.5.0',
};

interface Context {
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
  const context = { service, options };
  const paths = service.folder !== '' && { paths: [`${service.folder}/**`, path] };
  const head = yamlText({
    name: `Deliver ${pipeline.service}`,
    on: {
      // Deliver starts the runs on its own branches.
      push: { branches: ['**', `!${branchPrefix}**`], ...paths },
      pull_request: paths || null,
      workflow_dispatch: null,
    },
    permissions: { contents: 'read' },
    // A newer push ends the run of its branch, unless that run may be delivering.
    concurrency: {
      group: `deliver-${pipeline.service}-\${{ github.event_name }}-\${{ github.ref }}`,
      'cancel-in-progress': `\${{ !(${isDelivered}) }}`,
    },
    defaults: { run: { shell: 'sh {0}', ...(service.folder !== '' && { 'working-directory': service.folder }) } },
    env: { DELIVERY_SERVICE: pipeline.service, DELIVERY_COMMIT: '${{ github.sha }}' },
  }).replace(/: null$/gm, ':');
  const body = [
    head,
    'jobs:',
    jobs.map((job) => indented(yamlText({ [job.id]: jobBody(job, context) }, { old: true }), '  ')).join('\n'),
  ].join('\n');
  return {
    path,
    service: pipeline.service,
    source: below(service.folder, definitionName),
    body: body.replace(/^( +(?:- )?uses: )"(actions\/\S+ # v[\d.]+)"$/gm, '$1$2').replace(/\n*$/, '\n'),
    notes: [...commonWarnings(pipeline, jobs, { runner: '`runs-on: self-hosted`' }), ...warningsOf(pipeline, jobs, body)],
  };
}

/** Replaces characters that a job id cannot have. */
function jobId(step: string): string {
  const id = step.replace(/[^A-Za-z0-9_-]/g, '-');
  return /^[A-Za-z_]/.test(id) ? id : `_${id}`;
}

/** Pushes to other branches and pull requests are built and tested, but not delivered. */
const isDelivered = `github.event_name == 'workflow_dispatch' || github.ref_name == github.event.repository.default_branch`;

function jobBody(job: Job, context: Context): Record<string, unknown> {
  const { step } = job;
  return {
    ...(job.id !== step.name && { name: step.name }),
    ...(job.needs.length > 0 && { needs: job.needs.map((need) => need.id) }),
    ...(job.isRelease ? { if: isDelivered } : job.needs.length === 0 && { if: isUnchecked }),
    'runs-on': job.environment === undefined ? 'ubuntu-latest' : 'self-hosted',
    'timeout-minutes': minutesOf(job.step, job.step.retries + 1),
    ...(step.deploy !== undefined && { environment: { name: step.deploy, url: '${{ steps.deliver.outputs.url }}' } }),
    ...(job.environment !== undefined && {
      concurrency: { group: `deliver-to-${job.environment}`, ...(!isEnterprise(context.service.pipeline) && { queue: 'max' }) },
    }),
    steps: stepsOf(job, context),
  };
}

/** A push to this repository checks its pull requests already. Only those of forks have no push here. */
const isUnchecked = 'github.event.pull_request.head.repo.full_name != github.repository';

/**
 * Returns whether the server is an Enterprise server. It rejects a workflow with an unknown key, as `queue` of May 2026
 * (github.blog/changelog/2026-05-07), and needs artifact actions before v4 (actions/upload-artifact, README).
 */
function isEnterprise({ engine }: Pipeline): boolean {
  return engine?.kind === 'github' && engine.url !== undefined && !/^https:\/\/(?:[\w-]+\.)?(?:github|ghe)\.com\/?$/.test(engine.url);
}

type ActionStep = Record<string, unknown>;

function stepsOf(job: Job, context: Context): ActionStep[] {
  const { step } = job;
  const { service, options } = context;
  const cache = cacheOf(job, service);
  const unless = cache && { if: "steps.unchanged.outputs.cache-hit != 'true'" };
  const programs = programFolders(job, service.folder, options);
  return [
    checkoutOf(job, context),
    ...(cache ?? []),
    ...[...toolsOf(job, context), ...downloadOutputs(job, service)].map((each) => ({ ...unless, ...each })),
    ...(programs.length > 0 ? [{ name: 'Add installed programs to the PATH', run: addToPath(programs) }] : []),
    { ...unless, ...mainStep(job, context) },
    ...(cache && step.outputs.length === 0 ? [{ ...unless, name: 'Record success', run: recordSuccess(job, service) }] : []),
    ...(step.outputs.length > 0 ? uploadOutputs(job, service) : []),
    ...(step.reports.length > 0 ? [reportsOf(job, service)] : []),
  ];
}

function addToPath(folders: readonly string[]): string {
  return `echo "${folders.map((folder) => `$GITHUB_WORKSPACE/${folder}`).join(':')}" >> "$GITHUB_PATH"`;
}

/** `deliver step` reads the history, and the machine that it runs on keeps it. */
function checkoutOf({ environment }: Job, { options: { repository } }: Context): ActionStep {
  const isFull = environment !== undefined || repository?.usesHistory !== false;
  return {
    uses: actions.checkout,
    with: {
      ...(isFull && { 'fetch-depth': 0 }),
      ...(repository?.read('.gitmodules') !== undefined && { submodules: 'recursive' }),
      ...(repository?.usesLfs && { lfs: true }),
      'persist-credentials': false,
    },
  };
}

/** Returns the steps that install the versions of languages that the repository names, with the caches of their package managers. */
function toolsOf(job: Job, { service, options: { repository } }: Context): ActionStep[] {
  if (!repository || job.environment !== undefined) return [];
  return toolchainsOf(service.folder, repository.read).flatMap(({ language, versionFile, lock }): ActionStep[] => {
    const version = versionFile !== undefined && { [`${language}-version-file`]: versionFile };
    const lockPath = lock !== undefined && lock.includes('/') && { 'cache-dependency-path': lock };
    switch (language) {
      case 'node': {
        // With the installed packages of an earlier job, there is nothing to download.
        const cache = lock !== undefined && !hasNodeModules(job);
        return version || cache ? [{ uses: actions.node, with: { ...version, ...(cache && { cache: 'npm', ...lockPath }) } }] : [];
      }
      case 'python':
        return version ? [{ uses: actions.python, with: { ...version, ...(lock !== undefined && { cache: 'pip', ...lockPath }) } }] : [];
      case 'go':
        return version ? [{ uses: actions.go, with: { ...version, ...lockPath } }] : [];
      case 'rust': {
        // The runner's rustup reads the version file.
        const key = `cargo-\${{ runner.os }}-\${{ hashFiles('${lock}') }}`;
        return lock === undefined ? [] : [{ uses: actions.cache, with: { path: '~/.cargo/registry\n~/.cargo/git', key } }];
      }
    }
  });
}

function mainStep(job: Job, { options }: Context): ActionStep {
  const { step } = job;
  const own = isOwnCommand(step);
  const env = {
    ...(own && Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, literal(value)]))),
    ...Object.fromEntries(step.secrets.map((secret) => [secret, `\${{ secrets.${secret} }}`])),
  };
  const { run, minutes } = own ? commandOf(step) : { run: deliverStep(step.name, options, 'GITHUB_WORKSPACE') };
  return {
    name: step.name,
    ...(step.deploy !== undefined && { id: 'deliver' }),
    run,
    ...(Object.keys(env).length > 0 && { env }),
    ...(minutes !== undefined && { 'timeout-minutes': minutes }),
  };
}

/** Returns the command of a step, with a timeout in whole minutes apart: the step of a workflow has no other, and it is for all attempts. */
function commandOf(step: Step): { readonly run: string; readonly minutes?: number } {
  const { run = '', retries, timeoutMs } = step;
  const minutes = (timeoutMs ?? 0) / 60_000;
  const isWhole = retries === 0 && minutes > 0 && Number.isInteger(minutes);
  const command = retries > 0 ? flakyAware(step) : timeoutMs === undefined || isWhole ? run : runBySh(run, timeoutMs);
  return { run: literal([...secretChecks(step), command].join('\n')), ...(isWhole && { minutes }) };
}

/** A pass on retry is reported as flaky, as in a local run. */
function flakyAware({ name, run = '', retries, timeoutMs }: Step): string {
  const warning = `::warning::${name} is flaky: it passed at attempt $attempt.`;
  return `${retried(run, retries + 1, timeoutMs)} || exit\ntest $attempt = 1 || echo "${warning}"`;
}

/** Escapes text that GitHub would evaluate as an expression. */
function literal(text: string): string {
  return text.replace(/\$\{\{/g, "${{ '${{' }}");
}

/** Returns the steps that look up the outputs of the same inputs, or undefined if the step always runs. */
function cacheOf(job: Job, service: CiPipeline): ActionStep[] | undefined {
  const { key, step } = job;
  const inputs = key && plainGlobs(key.inputs);
  const outputs = plainGlobs(step.outputs);
  if (!key || !inputs || !outputs) return undefined;
  const paths = step.outputs.length === 0 ? [passed(job, service)] : pathsOf(outputs, service.folder);
  return [
    {
      name: 'Compute the cache key',
      id: 'inputs',
      // If git fails, the job must fail: an empty list would look like unchanged inputs.
      run: `files=$(git ls-files -s -- ${pathspecs(inputs)}) &&\necho "key=$(printf %s "$files" | git hash-object --stdin)" >> "$GITHUB_OUTPUT"`,
    },
    {
      name: 'Look for unchanged inputs',
      id: 'unchanged',
      uses: actions.cache,
      with: {
        path: paths.join('\n'),
        key: `${service.pipeline.service}-${step.name}-\${{ runner.os }}-\${{ runner.arch }}-${key.digest}-\${{ steps.inputs.outputs.key }}`,
      },
    },
  ];
}

/** A file that marks success, for the cache of a step without outputs. */
function passed(job: Job, service: CiPipeline): string {
  return `~/.deliver-passed/${service.pipeline.service}-${job.step.name}`;
}

function recordSuccess(job: Job, service: CiPipeline): string {
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

/** Uploads the outputs as an archive: artifacts keep neither modes nor links. */
function uploadOutputs(job: Job, service: CiPipeline): ActionStep[] {
  const file = `${artifactOf(job, service)}.tgz`;
  const { command, isForBash } = packing(job.step.outputs, `"$RUNNER_TEMP/${file}"`);
  return [
    { name: 'Pack outputs', run: command, ...(isForBash && { shell: 'bash' }) },
    {
      uses: actions.upload,
      with: { name: artifactOf(job, service), path: `\${{ runner.temp }}/${file}`, 'retention-days': 7, overwrite: true },
    },
  ];
}

function downloadOutputs({ handed }: Job, service: CiPipeline): ActionStep[] {
  const names = handed.map((job) => artifactOf(job, service));
  const [only, ...more] = names;
  if (only === undefined) return [];
  const which = more.length === 0 ? { name: only } : { pattern: `{${names.join(',')}}`, 'merge-multiple': true };
  return [
    { uses: actions.download, with: { ...which, path: '${{ runner.temp }}' } },
    { name: 'Unpack outputs', run: names.map((name) => `tar -xzf "$RUNNER_TEMP/${name}.tgz"`).join(' &&\n') },
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
      // Artifacts skip hidden files and folders by default.
      ...(paths.some((path) => /(^|\/)\.[^./]/.test(path)) && { 'include-hidden-files': true }),
      'if-no-files-found': 'ignore',
      overwrite: true,
    },
  };
}

function warningsOf(pipeline: Pipeline, jobs: readonly Job[], body: string): string[] {
  const { service } = pipeline;
  const idle = stepsWithoutOutputs(jobs);
  const unkeyed = jobs.filter(({ key, step }) => key && !(plainGlobs(key.inputs) && plainGlobs(step.outputs)));
  const bytes = Buffer.byteLength(body);
  const slow = jobs.filter(
    ({ step, environment }) => environment === undefined && (step.timeoutMs ?? 0) > limits.hostedJobMinutes * 60_000,
  );
  return [
    ...(idle.length > 0
      ? [`each job of ${service} runs on its own machine: files of ${idle.join(', ')} are lost without \`outputs\``]
      : []),
    ...(body.includes('queue: max') ? ['act and actionlint do not know `queue: max` yet; GitHub does'] : []),
    ...(isEnterprise(pipeline) && body.includes(actions.upload)
      ? ['limit: Enterprise servers only support actions/upload-artifact@v3 and actions/download-artifact@v3']
      : []),
    ...(unkeyed.length > 0
      ? [`${unkeyed.map(({ step }) => step.name).join(', ')}: patterns that git does not support, so the step always runs`]
      : []),
    ...(bytes > limits.fileBytes
      ? [`limit: the workflow of ${service} has ${Math.ceil(bytes / 1000)} kB; GitHub accepts at most ${limits.fileBytes / 1000} kB`]
      : []),
    ...slow.map(({ step }) => `limit: GitHub-hosted runners stop a job after 6 hours, before the timeout of ${step.name}`),
  ];
}
