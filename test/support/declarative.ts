import type { Statement } from './groovy-blocks';

/** The allowed places by the documentation of declarative pipelines: jenkins.io/doc/book/pipeline/syntax. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  pipeline: ['agent', 'environment', 'libraries', 'options', 'parameters', 'post', 'stages', 'tools', 'triggers'],
  stage: ['agent', 'environment', 'failFast', 'input', 'matrix', 'options', 'parallel', 'post', 'stages', 'steps', 'tools', 'when'],
  stages: ['stage'],
  parallel: ['stage'],
  post: ['always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success', 'unstable', 'unsuccessful', 'cleanup'],
};

/** Returns the errors of a Jenkinsfile by that grammar. No validator of it runs without a Jenkins. */
export function declarativeErrors(statements: readonly Statement[]): string[] {
  const [pipeline, ...more] = statements;
  if (pipeline?.word !== 'pipeline' || more.length > 0) return ['a declarative pipeline is one block `pipeline` alone'];
  const words = (pipeline.block ?? []).map(({ word }) => word);
  const missing = ['agent', 'stages'].filter((word) => words.filter((each) => each === word).length !== 1);
  return [...missing.map((word) => `the pipeline has not one \`${word}\``), ...errorsIn(pipeline, false)];
}

function errorsIn(section: Statement, isParallel: boolean): string[] {
  const { word, block = [], line } = section;
  const errors = block
    .filter((each) => allowed[word] && !allowed[word].includes(each.word))
    .map((each) => `${each.line}: \`${each.word}\` in \`${word}\``);
  if ((word === 'stages' || word === 'parallel') && block.length === 0) errors.push(`${line}: \`${word}\` without a stage`);
  if (word === 'stage') {
    const bodies = block.filter((each) => ['steps', 'stages', 'parallel', 'matrix'].includes(each.word));
    if (bodies.length !== 1) errors.push(`${line}: a stage has one of steps, stages, parallel and matrix`);
    if (isParallel && bodies.some((each) => each.word === 'parallel')) errors.push(`${line}: parallel within parallel`);
  }
  if (word === 'steps') return errors;
  return [...errors, ...block.flatMap((each) => errorsIn(each, isParallel || word === 'parallel'))];
}
