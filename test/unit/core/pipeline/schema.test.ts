import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { parsePipeline } from '../../../../src/core/pipeline/parse';
import { schemaText } from '../../../../src/core/pipeline/schema';

const file = path.resolve(__dirname, '..', '..', '..', '..', 'media', 'delivery.schema.json');

const step = (keys: string): string => `service: a\nsteps: {a: {${keys}}}`;
const environment = (keys: string): string => `service: a\nsteps: {a: {run: x}}\nenvironments: {s: {${keys}}}`;
const feedback = (keys: string): string => `service: a\nsteps: {a: {run: x}}\nfeedback: {${keys}}`;

const valid = [
  step('run: x'),
  step('run: x, needs: []'),
  step('run: x, env: {A: 1, B: x, C: true}, secrets: [A_B], timeout: 5m, retries: 0, problems: [tsc, {owner: x, pattern: {regexp: x}}]'),
  step('run: x, inputs: [src/**], outputs: [], reports: [a/*.xml]'),
  environment('process: {command: x, health: {tcp: true}}'),
  environment('process: {command: x, health: {path: /up, timeout: 1s}}'),
  environment('compose: {}'),
  environment('kubernetes: {context: a, manifests: [a, b], workload: deployment/c}'),
  environment('command: {deploy: x}'),
  feedback(
    'sources: [{file: a}, {http: "https://a"}, {http: {url: "http://a"}}, {sentry: {organization: a, project: b}}, {github: {}}, {gitlab: {}}]',
  ),
  feedback('components: {a: x, b: [y]}'),
];

const invalid = [
  'service: a',
  'service: a\nsteps: {}',
  'service: 1\nsteps: {a: {run: x}}',
  'service: a b\nsteps: {a: {run: x}}',
  'service: a\nsteps: {a b: {run: x}}',
  'service: a\nsteps: {a: {run: x}}\nrelese: x',
  step(''),
  step('run: x, deploy: y'),
  step('deploy: y, verifies: y'),
  step('run: ""'),
  step('run: x, needs: 1'),
  step('run: x, inputs: src'),
  step('run: x, inputs: [/src]'),
  step('run: x, inputs: [../src]'),
  step('run: x, timeout: 5'),
  step('run: x, timeout: 0s'),
  step('run: x, retries: -1'),
  step('run: x, retries: 1.5'),
  step('run: x, env: {1A: x}'),
  step('run: x, env: {A: [x]}'),
  step('run: x, secrets: [a b]'),
  step('run: x, problems: [1]'),
  environment(''),
  environment('process: {command: x}, compose: {}'),
  environment('process: {}'),
  environment('process: {command: x, health: {path: /a, tcp: true}}'),
  environment('process: {command: x, health: {tcp: false}}'),
  environment('compose: {port: 0}'),
  environment('kubernetes: {context: a}'),
  environment('command: {deploy: x, url: example.com}'),
  feedback('sources: [{}]'),
  feedback('sources: [{file: a, github: {}}]'),
  feedback('sources: [{http: x}]'),
  feedback('components: {a: 1}'),
];

describe('the JSON schema of delivery.yaml', () => {
  it('is published as it is generated: `npm run build` writes it', () => {
    assert.equal(fs.readFileSync(file, 'utf8'), schemaText());
  });

  const validate = new Ajv({ strict: false }).compile(JSON.parse(schemaText()) as object);

  for (const text of valid) {
    it(`accepts what the parser accepts: ${text.replace(/\n/g, ' ')}`, () => {
      assert.deepEqual(parsePipeline(text, 'd').errors, []);
      assert.ok(validate(parse(text)), JSON.stringify(validate.errors));
    });
  }

  for (const text of invalid) {
    it(`refuses what the parser refuses: ${text.replace(/\n/g, ' ')}`, () => {
      assert.notDeepEqual(parsePipeline(text, 'd').errors, []);
      assert.equal(validate(parse(text)), false);
    });
  }

  it('describes every key', () => {
    const bare: string[] = [];
    const look = (schema: Record<string, unknown>, at: string): void => {
      for (const [key, inner] of Object.entries((schema['properties'] ?? {}) as Record<string, Record<string, unknown>>)) {
        if (typeof inner['description'] !== 'string') bare.push(`${at}.${key}`);
        look(inner, `${at}.${key}`);
      }
      const more = [schema['additionalProperties'], schema['items'], ...((schema['anyOf'] ?? []) as unknown[])];
      for (const inner of more) if (typeof inner === 'object' && inner !== null) look(inner as Record<string, unknown>, at);
    };
    look(JSON.parse(schemaText()) as Record<string, unknown>, '');
    assert.deepEqual(bare, []);
  });
});
