import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { KnownPipelines } from '../../../../src/core/pipeline/known';
import type { Pipeline } from '../../../../src/core/model/pipeline';
import { temporaryFolder } from '../../../support/temporary';

describe('the pipelines that are known', () => {
  const pipeline: Pipeline = { service: 'shop', steps: [], environments: {} };
  const folder = temporaryFolder();

  it('are found again by the content of their file', () => {
    const known = new KnownPipelines(folder.path, 'parser');
    assert.equal(known.recall('a'), undefined);
    known.keep('a', pipeline);
    assert.deepEqual(known.recall('a'), pipeline);
    assert.equal(known.recall('b'), undefined);
  });

  it('are those of the same parser', () => {
    new KnownPipelines(folder.path, 'parser').keep('a', pipeline);
    assert.equal(new KnownPipelines(folder.path, 'newer').recall('a'), undefined);
  });

  it('are forgotten when their file is torn', () => {
    const known = new KnownPipelines(folder.path, 'parser');
    known.keep('a', pipeline);
    for (const name of fs.readdirSync(folder.path)) fs.writeFileSync(`${folder.path}/${name}`, '{"service":');
    assert.equal(known.recall('a'), undefined);
  });

  it('are none where the parser has no name', () => {
    const known = new KnownPipelines(folder.path, undefined);
    known.keep('a', pipeline);
    assert.deepEqual(fs.readdirSync(folder.path), []);
  });

  it('do not grow without bound', () => {
    const known = new KnownPipelines(folder.path, 'parser');
    for (let i = 0; i < 60; i++) known.keep(`blob${i}`, pipeline);
    assert.equal(fs.readdirSync(folder.path).length, 50);
    assert.deepEqual(known.recall('blob59'), pipeline);
  });
});
