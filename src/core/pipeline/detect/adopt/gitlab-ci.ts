import type { FoundStep } from '../project';
import { durationOf, stopping, StepList, type Adopted, type LeftOver, YamlFile } from './adopted';

const notJobs = new Set('default include stages variables workflow image services cache before_script after_script spec types'.split(' '));

/** Keys of a job that a slot makes unnecessary, or that choose a runner. */
const needless = new Set(
  'script before_script stage needs dependencies extends variables artifacts cache timeout retry environment when interruptible tags image coverage'.split(
    ' ',
  ),
);

/** Converts the jobs of a `.gitlab-ci.yml`. Returns undefined if the file is not one. */
export function adoptGitlab(text: string, file: string): Adopted | undefined {
  const yaml = new YamlFile(text);
  if (!yaml.root) return undefined;
  const reading = new Reading(yaml, file);
  reading.read();
  return { file, steps: reading.list.steps, left: reading.left };
}

interface RawJob {
  readonly name: string;
  readonly line: number;
  /** The job's own keys first, then those that it extends. */
  readonly parts: readonly unknown[];
  readonly stage: string;
}

class Reading {
  readonly list = new StepList();
  readonly left: LeftOver[] = [];
  private readonly names = new Map<string, readonly string[]>();

  constructor(
    private readonly yaml: YamlFile,
    private readonly file: string,
  ) {}

  read(): void {
    const { yaml } = this;
    const { root } = yaml;
    const jobs = yaml
      .entries(root)
      .filter(({ key }) => !key.startsWith('.') && !notJobs.has(key))
      .map(({ key, value, line }) => this.raw(key, value, line));
    const include = yaml.get(root, 'include');
    if (include) this.leave(yaml.lineOf(include), 'the files that it includes');
    const declared = yaml.texts(yaml.get(root, 'stages'));
    const stages = ['.pre', ...(declared.length > 0 ? declared : ['build', 'test', 'deploy']), '.post'];
    const inOrder = [...jobs].sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage));
    // A job may need another job of the same stage.
    for (let before = -1; this.names.size !== before;) {
      before = this.names.size;
      for (const job of inOrder) {
        if (this.names.has(job.name)) continue;
        const needs = this.needsOf(job, inOrder, stages);
        if (needs.every((need) => this.names.has(need))) this.names.set(job.name, this.job(job, needs));
      }
    }
  }

  private raw(name: string, value: unknown, line: number, depth = 0): RawJob {
    const { yaml } = this;
    const templates = depth > 10 ? [] : yaml.texts(yaml.get(value, 'extends'));
    const extended = templates.reverse().flatMap((template) => this.raw(template, yaml.get(yaml.root, template), line, depth + 1).parts);
    const parts = [value, ...extended];
    const stage = parts.map((part) => yaml.text(yaml.get(part, 'stage'))).find((one) => one !== undefined) ?? 'test';
    return { name, line, parts, stage };
  }

  private part(job: RawJob, key: string): unknown {
    return job.parts.map((part) => this.yaml.get(part, key)).find((one) => one !== undefined);
  }

  private needsOf(job: RawJob, jobs: readonly RawJob[], stages: readonly string[]): string[] {
    const { yaml } = this;
    const needs = this.part(job, 'needs');
    if (needs !== undefined)
      return yaml
        .items(needs)
        .flatMap((need) => yaml.text(need) ?? yaml.text(yaml.get(need, 'job')) ?? [])
        .filter((name) => jobs.some((other) => other.name === name));
    const at = stages.indexOf(job.stage);
    const earlier = stages.slice(0, Math.max(0, at)).reverse();
    const before = earlier.find((stage) => jobs.some((other) => other.stage === stage));
    return jobs.filter((other) => other.stage === before).map((other) => other.name);
  }

  private job(job: RawJob, needs: readonly string[]): readonly string[] {
    const { yaml } = this;
    const { name, line } = job;
    const after = needs.flatMap((need) => this.names.get(need) ?? []);
    const environment = this.part(job, 'environment');
    if (environment !== undefined) {
      const to = yaml.text(environment) ?? yaml.text(yaml.get(environment, 'name')) ?? '';
      this.leave(line, `job ${name} deploys to ${to}: make it an environment and a step with \`deploy\``);
      return after;
    }
    if (yaml.text(this.part(job, 'when')) === 'manual') {
      this.leave(line, `job ${name}, which waits for a person`);
      return after;
    }
    const script = yaml.texts(this.part(job, 'script'));
    if (script.length === 0) {
      this.leave(line, `job ${name}, which has no script of its own`);
      return after;
    }
    const others = new Set(job.parts.flatMap((part) => yaml.entries(part)).flatMap(({ key }) => (needless.has(key) ? [] : [key])));
    if (others.size > 0) this.leave(line, `job ${name}: its ${[...others].map((key) => `\`${key}\``).join(', ')}`);
    const image = this.part(job, 'image') ?? yaml.get(yaml.get(yaml.root, 'default'), 'image') ?? yaml.get(yaml.root, 'image');
    const imageName = yaml.text(image) ?? yaml.text(yaml.get(image, 'name'));
    if (imageName !== undefined) this.leave(line, `job ${name} runs in the image ${imageName}; here with the programs of this machine`);
    const before =
      this.part(job, 'before_script') ?? yaml.get(yaml.get(yaml.root, 'default'), 'before_script') ?? yaml.get(yaml.root, 'before_script');
    const run = stopping([...yaml.texts(before), ...script]).replace(/\$(CI_COMMIT_SHA\b|\{CI_COMMIT_SHA\})/g, '$DELIVERY_COMMIT');
    const foreign = new Set([...run.matchAll(/\$\{?((?:CI|GITLAB)_\w+)/g)].map(([, variable = '']) => variable));
    if (foreign.size > 0) this.leave(line, `job ${name} reads ${[...foreign].join(', ')}, which only GitLab sets`);
    return [this.list.add(name, { needs: after, run, ...this.settings(job) })];
  }

  private settings(job: RawJob): Omit<FoundStep, 'name' | 'run' | 'needs'> {
    const { yaml } = this;
    const artifacts = this.part(job, 'artifacts');
    const outputs = yaml.texts(yaml.get(artifacts, 'paths')).map((path) => (/\/$/.test(path) ? `${path}**` : path));
    const reports = yaml.texts(yaml.get(yaml.get(artifacts, 'reports'), 'junit'));
    const timeout = durationOf(yaml.text(this.part(job, 'timeout')) ?? '');
    const retry = this.part(job, 'retry');
    const retries = Number(yaml.text(retry) ?? yaml.text(yaml.get(retry, 'max')) ?? 0);
    const env = this.variables(job);
    return {
      ...(Object.keys(env).length > 0 && { env }),
      ...(this.inside(job, outputs).length > 0 && { outputs: this.inside(job, outputs) }),
      ...(this.inside(job, reports).length > 0 && { reports: this.inside(job, reports) }),
      ...(timeout !== undefined && { timeout }),
      ...(retries > 0 && { retries }),
    };
  }

  private inside(job: RawJob, paths: readonly string[]): string[] {
    const own = paths.map((path) => path.replace(/^(\.\/|\$CI_PROJECT_DIR\/)/, ''));
    const bad = own.filter((path) => /^[/~]|\.\.|\$/.test(path) || path.trim() === '');
    for (const path of bad) this.leave(job.line, `job ${job.name}: the artifact ${path}`);
    return own.filter((path) => !bad.includes(path));
  }

  private variables(job: RawJob): Record<string, string> {
    const { yaml } = this;
    const env: Record<string, string> = {};
    for (const level of [yaml.get(yaml.root, 'variables'), ...job.parts.map((part) => yaml.get(part, 'variables')).reverse()])
      for (const { key, value, line } of yaml.entries(level)) {
        const text = (yaml.text(value) ?? yaml.text(yaml.get(value, 'value')) ?? '').replace(/\$\$/g, '\0');
        if (/^(GIT|CI|FF)_/.test(key)) continue;
        if (text.includes('$')) this.leave(line, `the variable ${key}: ${text}`);
        else env[key] = text.replace(/\0/g, '$');
      }
    return env;
  }

  private leave(line: number, message: string): void {
    if (!this.left.some((one) => one.line === line && one.message === message)) this.left.push({ file: this.file, line, message });
  }
}
