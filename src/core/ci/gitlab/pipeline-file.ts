import { definitionName } from '../../model/pipeline';
import type { CiFile, CiPipeline, EarlierFile, ExportOptions } from '../ci-service';
import { below, isGlob, plainGlobs } from '../export/plain-globs';
import {
  commonWarnings,
  distinctNames,
  stepsWithoutOutputs,
  isOwnCommand,
  hasNodeModules,
  jobMinutes,
  jobsOf,
  minutesOf,
  programFolders,
  type Job,
} from '../export/jobs';
import { snapshotBranch, branchPrefix } from '../../git/snapshot-branch';
import { deliverStep, runBySh, secretChecks, word } from '../export/shell';
import { toolchainsOf, type Toolchain } from '../export/toolchains';
import { yamlText } from '../export/yaml-text';

const root = '.gitlab-ci.yml';

/**
 * Documented at docs.gitlab.com: ci/yaml (needs, retry, includes), administration/instance_limits and user/gitlab_com (jobs in active
 * pipelines of the free tier).
 */
const limits = { needs: 50, retries: 2, includes: 150, activeJobs: 500 };

/** Reserved words at the top level of a `.gitlab-ci.yml`. */
const reserved = new Set(
  'after_script before_script cache default false image include nil pages pages:deploy services spec stages true types variables workflow'.split(
    ' ',
  ),
);

const afterReserved = '-step';

/** Returns one file, or one that includes a file for each service. */
export function pipelineFiles(services: readonly CiPipeline[], options: ExportOptions): CiFile[] {
  const [only] = services;
  if (only && services.length === 1) return [serviceFile(only, root, options, { isAlone: true })];
  const files = services.map((service) => serviceFile(service, ownPath(service), options, { isAlone: false }));
  return [rootFile(services, files, options), ...files];
}

/** The file of a service beside others. */
function ownPath({ pipeline }: CiPipeline): string {
  return `.gitlab/deliver-${pipeline.service}.yml`;
}

const ownImage = [
  '# deliver: begin own',
  '# image: node:22   # the image of all jobs, where the runner has none that fits',
  '# deliver: end own',
  '',
];

function rootFile(services: readonly CiPipeline[], files: readonly CiFile[], options: ExportOptions): CiFile {
  const include = yamlText({
    include: files.map((file) => ({ local: `/${file.path}` })),
    ...imageOf(services, options),
    variables: commonVariables(options),
  });
  const jobs = services.reduce((sum, { pipeline }) => sum + pipeline.steps.length, 0);
  return {
    path: root,
    source: `the ${definitionName} of each service`,
    body: [...ownImage, include].join('\n'),
    notes: [
      ...(files.length > limits.includes ? [`limit: ${root} includes ${files.length} files; GitLab reads at most ${limits.includes}`] : []),
      ...tooManyJobs(jobs),
    ],
  };
}

function commonVariables({ repository }: ExportOptions): object {
  return {
    ...(repository?.usesHistory !== false && fullHistory),
    ...(repository?.read('.gitmodules') !== undefined && { GIT_SUBMODULE_STRATEGY: 'recursive' }),
    DELIVERY_COMMIT: '$CI_COMMIT_SHA',
  };
}

const fullHistory = { GIT_DEPTH: '0' };

/** Returns the image of all jobs if the repository asks for one version of one language. */
function imageOf(services: readonly CiPipeline[], { repository }: ExportOptions): { readonly image?: string } {
  const toolchains = repository ? services.flatMap(({ folder }) => toolchainsOf(folder, repository.read)) : [];
  const images = new Set(toolchains.map(({ language, image }) => image ?? language));
  const [image] = toolchains.map((one) => one.image);
  return images.size === 1 && image !== undefined ? { image } : {};
}

/** GitLab caches only folders of the project. */
const cacheFolder = '.cache';

/** The folder with the downloads of each package manager. */
const cacheVariables: Readonly<Record<Toolchain['language'], Readonly<Record<string, string>>>> = {
  node: { npm_config_cache: `$CI_PROJECT_DIR/${cacheFolder}/npm` },
  python: { PIP_CACHE_DIR: `$CI_PROJECT_DIR/${cacheFolder}/pip` },
  // The runner cannot remove files that are read-only.
  go: { GOMODCACHE: `$CI_PROJECT_DIR/${cacheFolder}/go`, GOFLAGS: '-modcacherw' },
  rust: { CARGO_HOME: `$CI_PROJECT_DIR/${cacheFolder}/cargo` },
};

/** Returns the cache of the packages that a job downloads, and the variables for it. */
function downloadsOf(job: Job, { service, options: { repository } }: Context): { readonly caches: object[]; readonly variables: object } {
  if (!repository || !isOwnCommand(job.step)) return { caches: [], variables: {} };
  const found = toolchainsOf(service.folder, repository.read).filter(
    ({ language, lock }) => lock !== undefined && !(language === 'node' && hasNodeModules(job)),
  );
  // A cache key has at most two files.
  const files = found.flatMap(({ lock }) => lock ?? []).slice(0, 2);
  return {
    caches: files.length > 0 ? [{ key: { files }, paths: [cacheFolder] }] : [],
    variables: Object.assign({}, ...found.map(({ language }) => cacheVariables[language])) as object,
  };
}

interface Context {
  readonly service: CiPipeline;
  readonly options: ExportOptions;
  readonly isAlone: boolean;
}

function serviceFile(service: CiPipeline, path: string, options: ExportOptions, { isAlone }: { readonly isAlone: boolean }): CiFile {
  const { pipeline, folder } = service;
  const jobs = jobsOf(pipeline, jobNames(service, isAlone));
  const context = { service, options, isAlone };
  const texts = jobs.map((job) => `${secretsComment(job)}${yamlText({ [job.id]: jobBody(job, context) }, { old: true })}`);
  return {
    path,
    service: pipeline.service,
    source: below(folder, definitionName),
    earlier: earlierFile(service, isAlone),
    body: [...(isAlone ? ownImage : []), yamlText(sharedKeys(context), { old: true }), texts.join('\n')].join('\n'),
    notes: [
      ...commonWarnings(pipeline, jobs, { runner: '`tags: [deliver]`' }),
      ...warningsOf(pipeline.service, jobs),
      ...(isAlone ? tooManyJobs(jobs.length) : []),
    ],
  };
}

/** Returns the file that has the jobs of a service while it has other services beside it, or none. */
function earlierFile(service: CiPipeline, isAlone: boolean): EarlierFile {
  const { pipeline } = service;
  const [here, there] = [jobNames(service, isAlone), jobNames(service, !isAlone)];
  const firstLine = (job: string): string => yamlText({ [job]: '' }, { old: true }).replace(/ ""\n$/, '');
  return {
    path: isAlone ? ownPath(service) : root,
    root,
    mark: isAlone ? `  - local: /${ownPath(service)}` : `  ${yamlText({ DELIVERY_SERVICE: pipeline.service }, { old: true }).trim()}`,
    jobs: new Map(pipeline.steps.map(({ name }) => [firstLine(there(name)), firstLine(here(name))])),
  };
}

function jobNames({ pipeline }: CiPipeline, isAlone: boolean): (step: string) => string {
  return distinctNames(
    pipeline.steps.map((step) => step.name),
    (step) => jobName(step, pipeline.service, isAlone),
  );
}

/** Returns the job of a step. Services of a repository share a pipeline, so names need a prefix unless there is one service. */
function jobName(step: string, service: string, isAlone: boolean): string {
  if (!isAlone) return `${service}:${step}`;
  return reserved.has(step) ? `${step}${afterReserved}` : step;
}

/** Returns the steps of a service by the names of all jobs of its pipeline. If there is one service, other jobs keep their name. */
export function gitlabSteps(jobs: readonly string[], service: string, isAlone: boolean): ReadonlyMap<string, string> {
  const all = new Set(jobs);
  const steps = new Map<string, string>();
  for (const job of jobs) {
    const prefix = jobName('', service, isAlone);
    if (!job.startsWith(prefix)) continue;
    const [, word = '', number] = /^(.*)-step(-\d+)?$/.exec(job) ?? [];
    // If both names exist, `distinctNames` leaves this one unchanged.
    const isMapped = isAlone && reserved.has(word) && (number !== undefined || !all.has(`${word}${afterReserved}-2`));
    steps.set(job, isMapped ? word : job.slice(prefix.length));
  }
  return steps;
}

/** Returns the keys that all jobs of the service share. A newer push ends jobs that do not deliver. */
function sharedKeys(context: Context): object {
  const { service, options, isAlone } = context;
  const { folder, pipeline } = service;
  const shared = { interruptible: true };
  const variables = { DELIVERY_SERVICE: pipeline.service };
  if (isAlone) return { ...imageOf([service], options), variables: { ...commonVariables(options), ...variables }, default: shared };
  // Without the branch, a merge request would run the jobs a second time.
  const rules = [excludeOtherServices(service), { if: '$CI_COMMIT_BRANCH', ...changesOf(folder) }];
  return { [template(service)]: { ...shared, rules, variables } };
}

/**
 * Excludes runs on the delivery branches of other services. No push starts them, so all `changes` are true (docs.gitlab.com: ci/yaml,
 * rules:changes).
 */
function excludeOtherServices({ pipeline }: CiPipeline): object {
  const own = snapshotBranch(pipeline.service, '').replace(/[./]/g, '\\$&');
  const any = branchPrefix.replace(/\//g, '\\/');
  return { if: `$CI_COMMIT_BRANCH =~ /^${any}.+/ && $CI_COMMIT_BRANCH !~ /^${own}\\d+T\\d+-[0-9a-f]+$/`, when: 'never' };
}

function template({ pipeline }: CiPipeline): string {
  return `.deliver-${pipeline.service}`;
}

/**
 * Returns a comment on required secrets. Delivery branches are not protected, so protected variables are missing there (docs.gitlab.com:
 * ci/variables, protect a CI/CD variable).
 */
function secretsComment({ step }: Job): string {
  if (step.secrets.length === 0) return '';
  return `# ${step.name} needs ${step.secrets.join(', ')}: Settings > CI/CD > Variables, masked, not protected.\n`;
}

function jobBody(job: Job, context: Context): Record<string, unknown> {
  const { step } = job;
  const { service } = context;
  const rules = job.isRelease ? releaseRules(context) : [];
  const own = isOwnCommand(step);
  const minutes = minutesOf(step, own ? 1 : step.retries + 1);
  const artifacts = artifactsOf(job, service.folder);
  const cache = cacheOf(job, service);
  const downloads = downloadsOf(job, context);
  const caches = [...(cache ? [cache] : []), ...downloads.caches];
  const variables = own
    ? { ...downloads.variables, ...variablesOf(step.env) }
    : context.options.repository?.usesHistory === false
      ? fullHistory
      : {};
  return {
    ...(!context.isAlone && { extends: template(service) }),
    needs: [...new Set([...job.needs, ...job.handed])].map((need) => need.id),
    ...(rules.length > 0 && { rules }),
    ...(job.environment !== undefined && { tags: ['deliver'] }),
    ...(step.deploy !== undefined && { environment: { name: step.deploy } }),
    ...(job.environment !== undefined && { resource_group: job.environment }),
    ...(job.isRelease && { interruptible: false }),
    ...(Object.keys(variables).length > 0 && { variables }),
    ...(minutes > jobMinutes && { timeout: `${minutes} minutes` }),
    ...(own && step.retries > 0 && { retry: Math.min(step.retries, limits.retries) }),
    ...(caches.length > 0 && { cache: caches.length === 1 ? caches[0] : caches }),
    script: scriptOf(job, context, cache !== undefined),
    ...(artifacts && { artifacts }),
  };
}

function variablesOf(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace(/\$/g, '$$$$')]));
}

/** Pushes to other branches are built and tested, but not delivered. */
const isDelivered = ['$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', '$CI_COMMIT_BRANCH && $CI_PIPELINE_SOURCE =~ /^(api|trigger|web)$/'];

function releaseRules({ service, isAlone }: Context): object[] {
  if (isAlone) return isDelivered.map((condition) => ({ if: condition }));
  return [excludeOtherServices(service), ...isDelivered.map((condition) => ({ if: condition, ...changesOf(service.folder) }))];
}

function changesOf(folder: string): object {
  return folder === '' ? {} : { changes: [`${folder}/**/*`] };
}

function scriptOf(job: Job, { service, options }: Context, isCached: boolean): string[] {
  const { step } = job;
  const { folder } = service;
  const enter = folder === '' ? [] : [`cd ${word(folder)}`];
  if (!isOwnCommand(step)) return [...enter, deliverStep(step.name, options, 'CI_PROJECT_DIR')];
  const programs = programFolders(job, folder, options).map((each) => `$CI_PROJECT_DIR/${each}:`);
  const command = runBySh(step.run ?? '', step.timeoutMs);
  return [
    ...enter,
    ...secretChecks(step),
    ...(programs.length > 0 ? [`export PATH="${programs.join('')}$PATH"`] : []),
    isCached
      ? `if [ -f ${marker(job)} ]; then\n  echo "The inputs are unchanged."\nelse\n  ${command} || exit\n  date > ${marker(job)}\nfi`
      : command,
  ];
}

function marker({ step }: Job): string {
  return word(`.deliver-passed-${step.name}`);
}

/** Returns a cache if GitLab can detect unchanged inputs: its keys take at most two files. Other steps always run. */
function cacheOf(job: Job, service: CiPipeline): object | undefined {
  const { key, step } = job;
  const inputs = key && plainGlobs(key.inputs);
  const outputs = plainGlobs(step.outputs);
  if (!key || !inputs || !outputs || inputs.wanted.length > 2 || inputs.wanted.length === 0) return undefined;
  if (inputs.unwanted.length > 0 || outputs.unwanted.length > 0 || inputs.wanted.some((path) => isGlob(path) || !isFileName(path)))
    return undefined;
  return {
    key: {
      prefix: `${service.pipeline.service}-${step.name}-${key.digest}`,
      files: inputs.wanted.map((path) => below(service.folder, path)),
    },
    paths: [...outputs.wanted, `.deliver-passed-${step.name}`].map((path) => below(service.folder, path)),
  };
}

/** Returns whether a name looks like a file: keys of GitLab do not cover the content of folders. */
function isFileName(path: string): boolean {
  return /[^/]\.[^/.]+$/.test(path) || /(^|\/)(Makefile|Dockerfile|Gemfile)$/.test(path);
}

function artifactsOf({ step }: Job, folder: string): object | undefined {
  if (step.outputs.length === 0 && step.reports.length === 0) return undefined;
  const outputs = plainGlobs(step.outputs) ?? { wanted: step.outputs, unwanted: [] };
  const at = (paths: readonly string[]): string[] => paths.map((path) => below(folder, path));
  return {
    ...(step.reports.length > 0 && { when: 'always' }),
    ...(outputs.wanted.length > 0 && { paths: at(outputs.wanted) }),
    ...(outputs.unwanted.length > 0 && { exclude: at(outputs.unwanted).map((path) => (isGlob(path) ? path : `${path}/**/*`)) }),
    ...(step.reports.length > 0 && { reports: { junit: at(plainGlobs(step.reports)?.wanted ?? step.reports) } }),
  };
}

function warningsOf(service: string, jobs: readonly Job[]): string[] {
  const idle = stepsWithoutOutputs(jobs);
  const wide = jobs.filter((job) => new Set([...job.needs, ...job.handed]).size > limits.needs);
  const tried = jobs.filter(({ step }) => isOwnCommand(step) && step.retries > limits.retries);
  return [
    ...(idle.length > 0 ? [`each job of ${service} has its own checkout: files of ${idle.join(', ')} are lost without \`outputs\``] : []),
    ...wide.map(
      (job) =>
        `limit: ${job.id} needs ${new Set([...job.needs, ...job.handed]).size} jobs and their outputs; GitLab accepts at most ${limits.needs}`,
    ),
    ...tried.map(({ step }) => `limit: GitLab retries a job at most ${limits.retries} times; ${step.name} has ${step.retries} retries`),
  ];
}

function tooManyJobs(count: number): string[] {
  if (count <= limits.activeJobs) return [];
  return [
    `limit: a pipeline has ${count} jobs; the free tier of gitlab.com allows ${limits.activeJobs} in all active pipelines of a project`,
  ];
}
