import * as assert from 'node:assert/strict';
import { baseImage } from '../../../../support/docker';
import { containerEnvironment } from './compose-staging';

describe('the check of a compose environment', function () {
  this.timeout(60_000);
  const staging = containerEnvironment();

  it('accepts a valid service', async () => assert.equal(await staging.check(), undefined));

  it('reports a missing compose file', async () => {
    assert.match(
      (await staging.check({ files: { 'compose.yaml': null } })) ?? '',
      /no compose file beside delivery.yaml; compose looks for/,
    );
    const named = await staging.check({ compose: { files: ['deploy/*.yaml'] } });
    assert.match(named ?? '', /deploy\/\*\.yaml, which is not part of the change/);
  });

  it("reports an invalid compose file with compose's own message", async () => {
    const invalid = await staging.check({ files: { 'compose.yaml': 'services:\n  shop:\n    prots: [80]\n' } });
    assert.match(invalid ?? '', /^compose cannot read compose.yaml: .*prots/);
    const torn = await staging.check({ files: { 'compose.yaml': 'services:\n  shop: [\n' } });
    assert.match(torn ?? '', /^compose cannot read compose.yaml: .*line 3/);
  });

  it('reports an unknown service and lists the existing ones', async () => {
    const files = { 'compose.yaml': `services:\n  web: {image: ${baseImage}}\n  db: {image: ${baseImage}}\n` };
    assert.match((await staging.check({ files })) ?? '', /not clear which service .* it has (web, db|db, web)/);
    assert.match((await staging.check({ files, compose: { service: 'api' } })) ?? '', /has no service api; it has (web, db|db, web)/);
    assert.equal(await staging.check({ files, compose: { service: 'web' } }), undefined);
  });

  it('reports an unreachable engine', async () => {
    const before = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = 'unix:///nowhere/docker.sock';
    try {
      assert.match((await staging.check()) ?? '', /^docker does not answer: .*; start Docker/);
    } finally {
      process.env['DOCKER_HOST'] = before;
    }
  });
});
