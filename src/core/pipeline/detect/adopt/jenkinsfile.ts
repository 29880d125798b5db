import type { FoundStep } from '../found';
import { durationOf, inFolder, stopping, StepList, type Adopted, type LeftOver } from './adopted';
import { statementsOf, stringsIn, type Statement } from './groovy-blocks';

/** The stages of a declarative Jenkinsfile; `undefined` where it is none. */
export function adoptJenkins(text: string, file: string): Adopted | undefined {
  const statements = statementsOf(text);
  const pipeline = statements.find(({ word, block }) => word === 'pipeline' && block);
  if (!pipeline) {
    const scripted = statements.find(({ word }) => word === 'node');
    return (
      scripted && {
        file,
        steps: [],
        left: [{ file, line: scripted.line, message: 'a scripted pipeline: only declarative ones are taken over' }],
      }
    );
  }
  const reading = new Reading(file);
  reading.read(pipeline);
  return { file, steps: reading.list.steps, left: reading.left };
}

/** What surrounds a command: each is what the nearest block around it says. */
interface Around {
  readonly stage: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly folder?: string;
  readonly timeout?: string;
  readonly retries?: number;
}

/** Sections and options that say where and how a stage runs there, and need no mention. */
const needless = new Set(['stages', 'steps', 'stage', 'environment', 'options', 'post', 'parallel', 'failFast']);

class Reading {
  readonly list = new StepList();
  readonly left: LeftOver[] = [];

  constructor(private readonly file: string) {}

  read(pipeline: Statement): void {
    const around = this.within(pipeline, { stage: '', env: {}, secrets: [] });
    this.others(pipeline, 'the pipeline');
    this.stages(partOf(pipeline, 'stages'), around, []);
  }

  /** One after the other. Answers the steps that the last one ends with. */
  private stages(stages: Statement | undefined, around: Around, after: readonly string[]): readonly string[] {
    let last = after;
    for (const stage of stages?.block ?? []) if (stage.word === 'stage') last = this.stage(stage, around, last);
    return last;
  }

  private stage(stage: Statement, outer: Around, after: readonly string[]): readonly string[] {
    const name = stringsIn(stage.rest)[0]?.value ?? 'stage';
    const when = partOf(stage, 'when');
    if (when) {
      this.leave(
        when.line,
        `stage ${name}, which runs only when ${(when.block ?? []).map(({ word, rest }) => `${word} ${rest}`.trim()).join(' and ')}`,
      );
      return after;
    }
    this.others(stage, `stage ${name}`);
    const input = partOf(stage, 'input');
    if (input) this.leave(input.line, `stage ${name} waits for a person at \`input\``);
    const around = this.within(stage, { ...outer, stage: name });
    const parallel = partOf(stage, 'parallel');
    if (parallel) {
      const ends = (parallel.block ?? []).filter(({ word }) => word === 'stage').flatMap((each) => this.stage(each, around, after));
      return ends.length > 0 ? [...new Set(ends)] : after;
    }
    if (partOf(stage, 'stages')) return this.stages(partOf(stage, 'stages'), around, after);
    const reports = (partOf(stage, 'post')?.block ?? []).flatMap((condition) => this.reports(condition.block ?? []));
    return this.steps(partOf(stage, 'steps')?.block ?? [], around, after, reports);
  }

  private steps(statements: readonly Statement[], around: Around, after: readonly string[], reports: readonly string[]): readonly string[] {
    const commands: { command: string; around: Around }[] = [];
    const own = [...reports, ...this.reports(statements)];
    this.commands(statements, around, commands);
    if (commands.length === 0) return after;
    const inner = commands.map((one) => one.around);
    const timeout = inner.find((one) => one.timeout !== undefined)?.timeout;
    const retries = inner.find((one) => one.retries !== undefined)?.retries;
    const folders = new Set(inner.map((one) => one.folder));
    const isSameFolder = folders.size === 1;
    const run = stopping(commands.map((one) => (isSameFolder ? one.command : `(${inFolder(one.around.folder, one.command)})`)));
    const step: Omit<FoundStep, 'name'> = {
      needs: after,
      run: isSameFolder ? inFolder([...folders][0], run) : run,
      ...(Object.keys(around.env).length > 0 && { env: around.env }),
      ...(around.secrets.length > 0 && { secrets: around.secrets }),
      ...(own.length > 0 && { reports: own }),
      ...(timeout !== undefined && { timeout }),
      ...(retries !== undefined && retries > 0 && { retries: Math.min(10, retries) }),
    };
    return [this.list.add(around.stage, step)];
  }

  private commands(statements: readonly Statement[], around: Around, found: { command: string; around: Around }[]): void {
    for (const statement of statements) {
      const { word, rest, line, block } = statement;
      const first = stringsIn(rest)[0];
      if (word === 'sh') {
        if (first && !first.isComputed && !/^\s*\(?\s*\w+\s*:(?!\s*['"])/.test(rest))
          found.push({ command: outdented(first.value), around });
        else this.leave(line, `stage ${around.stage}: a command that Jenkins computes: sh ${rest.split('\n')[0] ?? ''}`);
      } else if (word === 'dir' && block && first && !first.isComputed && !/^[/~]|\.\./.test(first.value))
        this.commands(block, { ...around, folder: around.folder === undefined ? first.value : `${around.folder}/${first.value}` }, found);
      else if ((word === 'timeout' || word === 'retry') && block) this.commands(block, { ...around, ...limitOf(statement) }, found);
      else if (block && ['timestamps', 'ansiColor', 'withEnv', 'catchError', 'script', 'warnError'].includes(word)) {
        if (word !== 'timestamps' && word !== 'ansiColor')
          this.leave(line, `stage ${around.stage}: what \`${word}\` does around its commands`);
        this.commands(block, around, found);
      } else if (!['echo', 'checkout', 'junit', 'stash', 'unstash', 'archiveArtifacts', 'cleanWs', 'deleteDir'].includes(word))
        this.leave(line, `stage ${around.stage}: ${word} ${rest}`.split('\n')[0]?.trim() ?? word);
    }
  }

  private within(section: Statement, outer: Around): Around {
    const env: Record<string, string> = { ...outer.env };
    const secrets = new Set(outer.secrets);
    for (const { word, rest, line } of partOf(section, 'environment')?.block ?? []) {
      const value = stringsIn(rest)[0];
      if (/^=\s*credentials\s*\(/.test(rest) && value) {
        secrets.add(word);
        if (value.value !== word) this.leave(line, `${word} is the credential ${value.value} there; here the secret is called ${word}`);
      } else if (value && !value.isComputed && /^=\s*['"]/.test(rest) && /^[A-Za-z_]\w*$/.test(word)) env[word] = value.value;
      else this.leave(line, `the variable ${word} ${rest}`);
    }
    const limits = (partOf(section, 'options')?.block ?? []).map(limitOf);
    return Object.assign({ ...outer, env, secrets: [...secrets] }, ...limits) as Around;
  }

  private reports(statements: readonly Statement[]): string[] {
    const named = statements.filter(({ word }) => word === 'junit').flatMap(({ rest }) => stringsIn(rest)[0]?.value.split(',') ?? []);
    return named.map((path) => path.trim()).filter((path) => path !== '' && !/^[/~]|\.\.|\$/.test(path));
  }

  private others(section: Statement, of: string): void {
    for (const { word, rest, line } of section.block ?? []) {
      if (needless.has(word) || word === 'input' || (word === 'agent' && rest === 'any')) continue;
      this.leave(line, `${of}: its \`${word}\``);
    }
  }

  private leave(line: number, message: string): void {
    this.left.push({ file: this.file, line, message: message.slice(0, 200) });
  }
}

function partOf({ block }: Statement, word: string): Statement | undefined {
  return block?.find((one) => one.word === word);
}

function limitOf({ word, rest }: Statement): { timeout?: string; retries?: number } {
  const number = /\d+/.exec(rest)?.[0];
  if (number === undefined) return {};
  if (word === 'retry') return { retries: Number(number) - 1 };
  if (word !== 'timeout') return {};
  const unit = /unit\s*:\s*['"](\w+)/.exec(rest)?.[1]?.toLowerCase() ?? 'minutes';
  const time = durationOf(`${/time\s*:\s*(\d+)/.exec(rest)?.[1] ?? number} ${unit}`);
  return time === undefined ? {} : { timeout: time };
}

/** The lines of a block string without the indent that they share. */
function outdented(text: string): string {
  const lines = text.replace(/^\s*\n|\s+$/g, '').split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return lines.map((line) => line.slice(Number.isFinite(indent) ? indent : 0)).join('\n');
}
