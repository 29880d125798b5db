import Ajv from 'ajv';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';

/** Returns the errors of GitHub's own workflow parser: its schema, its expressions, its graph of jobs. */
export async function githubErrors(text: string): Promise<string[]> {
  const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await import('@actions/workflow-parser');
  const parsed = parseWorkflow({ name: 'workflow.yml', content: text }, new NoOperationTraceWriter());
  const template = parsed.value && (await convertWorkflowTemplate(parsed.context, parsed.value));
  const late = (template?.errors ?? []).map((error) => error.Message);
  return [...parsed.context.errors.getErrors().map((error) => error.message), ...late];
}

/** Returns the errors by GitLab's published schema of `.gitlab-ci.yml`, which gitlab-ci-local contains, in one. */
export async function gitlabErrors(text: string): Promise<string[]> {
  const folder = path.dirname(require.resolve('gitlab-ci-local/package.json'));
  const { schema } = (await import(pathToFileURL(path.join(folder, 'src/schema/schema.js')).href)) as { schema: object };
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false, allowUnionTypes: true }).compile(schema);
  return validate(parse(text)) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
}

/** The program that runs a `.gitlab-ci.yml` on this machine. */
export function gitlabCiLocal(): string {
  return path.join(path.dirname(require.resolve('gitlab-ci-local/package.json')), 'src/index.js');
}
