import * as assert from 'node:assert/strict';
import { baseImage } from '../../../../support/docker';
import { containerEnvironment } from './compose-staging';

describe('an environment of containers says before the first step', function () {
  this.timeout(60_000);
  const staging = containerEnvironment();

  it('that all is well', async () => assert.equal(await staging.check(), undefined));

  it('that there is no compose file', async () => {
    assert.match(
      (await staging.check({ files: { 'compose.yaml': null } })) ?? '',
      /no compose file beside delivery.yaml; compose looks for/,
    );
    const named = await staging.check({ compose: { files: ['deploy/*.yaml'] } });
    assert.match(named ?? '', /deploy\/\*\.yaml, which is not part of the change/);
  });

  it('what is wrong with it, in the words of compose', async () => {
    const invalid = await staging.check({ files: { 'compose.yaml': 'services:\n  shop:\n    prots: [80]\n' } });
    assert.match(invalid ?? '', /^compose cannot read compose.yaml: .*prots/);
    const torn = await staging.check({ files: { 'compose.yaml': 'services:\n  shop: [\n' } });
    assert.match(torn ?? '', /^compose cannot read compose.yaml: .*line 3/);
  });

  it('that the service is not in it, and which are', async () => {
    const files = { 'compose.yaml': `services:\n  web: {image: ${baseImage}}\n  db: {image: ${baseImage}}\n` };
    assert.match((await staging.check({ files })) ?? '', /not clear which service .* it has (web, db|db, web)/);
    assert.match((await staging.check({ files, compose: { service: 'api' } })) ?? '', /has no service api; it has (web, db|db, web)/);
    assert.equal(await staging.check({ files, compose: { service: 'web' } }), undefined);
  });

  it('that the engine is away', async () => {
    const before = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = 'unix:///nowhere/docker.sock';
    try {
      assert.match((await staging.check()) ?? '', /^docker does not answer: .*; start Docker/);
    } finally {
      process.env['DOCKER_HOST'] = before;
    }
  });
});
