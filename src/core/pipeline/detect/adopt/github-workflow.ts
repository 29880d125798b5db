import type { FoundStep } from '../project';
import { durationOf, inFolder, nameOf, stopping, StepList, type Adopted, type LeftOver, YamlFile } from './adopted';

/** Actions that a slot makes unnecessary: checkout, files between steps, installed programs. */
const needless = /^actions\/(checkout|cache|upload-artifact|download-artifact|setup-[\w-]+)(\/\w+)?@/;

/** A condition that only keeps a pull request from running what its push runs. */
const isAlwaysForPushes =
  /^(github\.event_name != 'pull_request' \|\| )?github\.event\.pull_request\.head\.repo\.full_name != github\.repository$/;

/** Converts the jobs of a workflow that a push or pull request starts. Returns undefined if the file is not a workflow. */
export function adoptGithub(text: string, file: string): Adopted | undefined {
  const yaml = new YamlFile(text);
  const { root } = yaml;
  const jobs = root && yaml.get(root, 'jobs');
  if (!root || !jobs) return undefined;
  const reading = new Reading(yaml, file);
  const triggers = yaml.get(root, 'on');
  const names = [...yaml.texts(triggers), ...yaml.entries(triggers).map((entry) => entry.key)];
  const onlyTags = yaml.get(yaml.get(triggers, 'push'), 'tags') && !yaml.get(yaml.get(triggers, 'push'), 'branches');
  if (!names.some((name) => (name === 'push' && !onlyTags) || name === 'pull_request')) {
    const when = onlyTags ? 'a tag' : names.join(', ') || 'nothing';
    return {
      file,
      steps: [],
      left: [{ file, line: yaml.lineOf(triggers), message: `the workflow is started by ${when}, not by a change` }],
    };
  }
  reading.read(root);
  return { file, steps: reading.list.steps, left: reading.left };
}

class Reading {
  readonly list = new StepList();
  readonly left: LeftOver[] = [];
  /** The last steps of each job, for jobs that need it. */
  private readonly ends = new Map<string, readonly string[]>();

  constructor(
    private readonly yaml: YamlFile,
    private readonly file: string,
  ) {}

  read(root: unknown): void {
    const { yaml } = this;
    const jobs = yaml.entries(yaml.get(root, 'jobs'));
    // Each job comes after the jobs that it needs. Jobs in a cycle never come.
    for (let before = -1; this.ends.size !== before;) {
      before = this.ends.size;
      for (const job of jobs) {
        const needs = yaml.texts(yaml.get(job.value, 'needs'));
        if (!this.ends.has(job.key) && needs.every((need) => this.ends.has(need))) this.ends.set(job.key, this.job(root, job, needs));
      }
    }
  }

  private job(root: unknown, { key, value, line }: ReturnType<YamlFile['entries']>[number], needs: readonly string[]): readonly string[] {
    const { yaml } = this;
    let after: readonly string[] = needs.flatMap((need) => this.ends.get(need) ?? []);
    const environment = yaml.get(value, 'environment');
    if (environment) {
      const to = yaml.text(environment) ?? yaml.text(yaml.get(environment, 'name')) ?? '';
      this.leave(line, `job ${key} deploys to ${to}: make it an environment and a step with \`deploy\``);
      return after;
    }
    if (yaml.get(value, 'uses')) {
      this.leave(line, `job ${key} calls another workflow`);
      return after;
    }
    const condition = yaml.text(yaml.get(value, 'if'));
    if (condition !== undefined && !isAlwaysForPushes.test(condition)) {
      this.leave(line, `job ${key}, which runs only if ${shortened(condition)}`);
      return after;
    }
    for (const part of ['container', 'services']) if (yaml.get(value, part)) this.leave(line, `job ${key}: its \`${part}\``);
    const matrix = this.matrix(key, value, line);
    const found = yaml.items(yaml.get(value, 'steps')).flatMap((step) => this.step(root, key, value, step, matrix) ?? []);
    for (const [index, { name, ...step }] of found.entries()) {
      // The last command of a job is its purpose.
      after = [this.list.add(index === found.length - 1 ? key : name, { ...step, needs: after })];
    }
    return after;
  }

  /** The first value of each matrix variable: the other combinations run the same commands. */
  private matrix(job: string, value: unknown, line: number): ReadonlyMap<string, string> {
    const { yaml } = this;
    const entries = yaml.entries(yaml.get(yaml.get(value, 'strategy'), 'matrix'));
    const first = new Map(
      entries.flatMap(({ key, value: values }) => (yaml.texts(values)[0] === undefined ? [] : [[key, yaml.texts(values)[0] ?? '']])),
    );
    if (entries.length > 0) {
      const kept = [...first].map(([key, one]) => `${key}: ${one}`).join(', ');
      this.leave(
        line,
        `job ${job} runs once for each combination of ${entries.map(({ key }) => key).join(' and ')}; here once${kept ? `, for ${kept}` : ''}`,
      );
    }
    return first;
  }

  private step(root: unknown, job: string, jobNode: unknown, step: unknown, matrix: ReadonlyMap<string, string>): FoundStep | undefined {
    const { yaml } = this;
    const line = yaml.lineOf(step);
    const uses = yaml.text(yaml.get(step, 'uses'));
    if (uses !== undefined && !needless.test(uses)) this.leave(line, `job ${job} uses ${uses}`);
    const run = yaml.text(yaml.get(step, 'run'));
    if (run === undefined) return undefined;
    const condition = yaml.text(yaml.get(step, 'if'));
    if (condition !== undefined) {
      this.leave(line, `job ${job}: \`${shortened(run)}\`, which runs only if ${shortened(condition)}`);
      return undefined;
    }
    const secrets = new Set<string>();
    const command = this.plain(run, matrix, secrets);
    if (command === undefined) {
      this.leave(line, `job ${job}: \`${shortened(run)}\`, whose expressions only GitHub knows`);
      return undefined;
    }
    const env: Record<string, string> = {};
    for (const level of [root, jobNode, step])
      for (const { key, value, line: at } of yaml.entries(yaml.get(level, 'env')))
        this.variable(key, yaml.text(value) ?? '', at, env, secrets, matrix);
    const folder = [step, yaml.get(yaml.get(jobNode, 'defaults'), 'run'), yaml.get(yaml.get(root, 'defaults'), 'run')]
      .map((level) => yaml.text(yaml.get(level, 'working-directory')))
      .find((one) => one !== undefined);
    if (yaml.text(yaml.get(step, 'continue-on-error')) === 'true')
      this.leave(line, `job ${job}: \`${shortened(run)}\` was allowed to fail`);
    const minutes = yaml.text(yaml.get(step, 'timeout-minutes')) ?? yaml.text(yaml.get(jobNode, 'timeout-minutes'));
    const timeout = minutes === undefined ? undefined : durationOf(`${minutes}m`);
    return {
      name: yaml.text(yaml.get(step, 'name')) ?? nameOf(run),
      run: inFolder(folder, stopping(command.trimEnd().split('\n'))),
      ...(Object.keys(env).length > 0 && { env }),
      ...(secrets.size > 0 && { secrets: [...secrets] }),
      ...(timeout !== undefined && { timeout }),
    };
  }

  private variable(
    name: string,
    value: string,
    line: number,
    env: Record<string, string>,
    secrets: Set<string>,
    matrix: ReadonlyMap<string, string>,
  ): void {
    const secret = /^\$\{\{\s*secrets\.(\w+)\s*\}\}$/.exec(value)?.[1];
    if (secret !== undefined) {
      secrets.add(name);
      if (secret !== name) this.leave(line, `${name} is the secret ${secret} there; here the secret is called ${name}`);
      return;
    }
    const plain = this.plain(value, matrix, new Set());
    if (plain === undefined || plain.includes('$')) this.leave(line, `the variable ${name}: ${shortened(value)}`);
    else env[name] = plain;
  }

  /** Replaces GitHub expressions. Returns undefined if one has no counterpart. */
  private plain(text: string, matrix: ReadonlyMap<string, string>, secrets: Set<string>): string | undefined {
    let isKnown = true;
    const replaced = text.replace(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
      const [, scope, name = ''] = /^(secrets|env|matrix|github)\.([\w-]+)$/.exec(expression) ?? [];
      if (scope === 'secrets') secrets.add(name);
      if (scope === 'secrets' || scope === 'env') return `$${name}`;
      if (scope === 'matrix' && matrix.has(name)) return matrix.get(name) ?? '';
      if (scope === 'github' && name === 'sha') return '$DELIVERY_COMMIT';
      isKnown = false;
      return '';
    });
    return isKnown ? replaced : undefined;
  }

  private leave(line: number, message: string): void {
    this.left.push({ file: this.file, line, message });
  }
}

function shortened(text: string): string {
  const line = text.trim().split('\n')[0] ?? '';
  return line.length > 60 || text.trim().includes('\n') ? `${line.slice(0, 60)}…` : line;
}
