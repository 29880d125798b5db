import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import Ajv from 'ajv';
import type { Asked } from './http-server';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: object;
}
interface Operation {
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: { readonly 'application/json': { readonly schema: { readonly properties: object } } };
  };
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly parameters: Readonly<Record<string, Parameter>> };
}

/** GitHub's own description of its API: requests are held against it. */
export class GithubDescription {
  private readonly description: Description;
  private readonly ajv = new Ajv({
    strict: false,
    coerceTypes: true,
    formats: { int64: true, 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ },
  });

  constructor() {
    // Only the file that is needed: all of them are 400 MB.
    const file = require.resolve('@octokit/openapi/generated/api.github.com.json');
    this.description = JSON.parse(fs.readFileSync(file, 'utf8')) as Description;
  }

  /** Fails where a request is none that GitHub describes. Answers the operation, as `GET /user`. */
  check({ method, path, query, body, headers }: Asked): string {
    const template = this.templateOf(method, path);
    const operation = this.description.paths[template]?.[method.toLowerCase()];
    assert.ok(operation, `${method} ${path} is not described`);
    const named = `${method} ${template}`;
    const all = (operation.parameters ?? []).map((one) => this.resolved(one));
    this.checkPath(
      all.filter((one) => one.in === 'path'),
      template,
      path,
    );
    const parameters = all.filter((one) => one.in === 'query');
    for (const [name, value] of query) {
      const parameter = parameters.find((one) => one.name === name);
      assert.ok(parameter, `${named} has no parameter ${name}`);
      this.validate(parameter.schema, value, `${name} of ${named}`);
    }
    for (const { name, required } of parameters) assert.ok(!required || query.has(name), `${named} wants ${name}`);
    this.checkBody(operation, body, named);
    assert.match(String(headers['user-agent']), /./, 'GitHub turns down requests without a User-Agent');
    // A redirect to a file has no JSON.
    const isFile = /\/(logs|zip|\{archive_format\})$/.test(template);
    assert.equal(headers['accept'], isFile ? '*/*' : 'application/vnd.github+json');
    return named;
  }

  private checkPath(parameters: readonly Parameter[], template: string, path: string): void {
    const values = path.split('/');
    for (const [index, part] of template.split('/').entries()) {
      const name = /^\{(.+)\}$/.exec(part)?.[1];
      if (name === undefined) continue;
      const parameter = parameters.find((one) => one.name === name);
      assert.ok(parameter, `${template} does not describe ${name}`);
      this.validate(parameter.schema, decodeURIComponent(values[index] ?? ''), `${name} of ${template}`);
    }
  }

  private checkBody({ requestBody }: Operation, body: unknown, named: string): void {
    if (body === undefined) return assert.ok(!requestBody?.required, `${named} wants a body`);
    assert.ok(requestBody, `${named} takes no body`);
    const { schema } = requestBody.content['application/json'];
    for (const name of Object.keys(body as object)) assert.ok(name in schema.properties, `${named} has no field ${name}`);
    this.validate(schema, body, named);
  }

  /** The path without variables before those with some. */
  private templateOf(method: string, path: string): string {
    const fits = Object.keys(this.description.paths).filter((template) => {
      const pattern = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+');
      return new RegExp(`^${pattern}$`).test(path) && this.description.paths[template]?.[method.toLowerCase()];
    });
    const [template] = fits.sort((a, b) => a.split('{').length - b.split('{').length);
    assert.ok(template, `${method} ${path} is not described`);
    return template;
  }

  private resolved(parameter: Parameter | { readonly $ref: string }): Parameter {
    if (!('$ref' in parameter)) return parameter;
    const found = this.description.components.parameters[parameter.$ref.split('/').at(-1) ?? ''];
    assert.ok(found, parameter.$ref);
    return found;
  }

  private validate(schema: object, value: unknown, what: string): void {
    const validate = this.ajv.compile({ type: 'object', properties: { value: asJsonSchema(schema) } });
    assert.ok(validate({ value }), `${what}: ${this.ajv.errorsText(validate.errors)}`);
  }
}

/** OpenAPI 3.0 says in a way of its own that something may be null. */
function asJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(asJsonSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, ...rest } = schema as Readonly<Record<string, unknown>>;
  const plain = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, asJsonSchema(value)]));
  return nullable === true ? { anyOf: [plain, { type: 'null' }] } : plain;
}
