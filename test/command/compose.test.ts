import * as assert from 'node:assert/strict';
import { baseImage, testEngine } from '../support/docker';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

interface Environments {
  environment: string;
  kind: string;
  services: { service: string; state: string; url: string; release: { commit: string } }[];
}

describe('a delivery to a compose environment', function () {
  this.timeout(90_000);
  const engine = testEngine();
  const folder = temporaryFolder();

  it('is verified, rolled back on failure, and released without a new build', async () => {
    const [staging, production] = [engine.environment(), engine.environment()];
    const compose = { watch: 'off', compose: { port: 80, health: { path: '/index.html', timeout: '10s' } } };
    const shop = new Project(folder.path)
      .steps(
        {
          stage: { deploy: staging },
          acceptance: {
            needs: 'stage',
            verifies: staging,
            run: `test "$(node -e "fetch(process.env.DELIVERY_URL).then(r=>r.text()).then(t=>process.stdout.write(t))")" != bad`,
          },
        },
        { environments: { [staging]: compose, [production]: compose }, release: production },
      )
      .write('compose.yaml', 'services:\n  web:\n    build: .\n')
      .write('Dockerfile', `FROM ${baseImage}\nWORKDIR /app\nCOPY . .\nCMD ["sh", "start.sh"]\n`)
      .write('start.sh', "trap 'exit 0' TERM\nhttpd -f -p 80 -h /app &\nwait\n");
    const deliver = async (text: string) => {
      const { code, stdout, stderr } = await shop.write('index.html', text).commit(`Say ${text}`).deliver('run');
      return { code, output: stdout + stderr };
    };
    const live = async (name: string) => (await shop.json<Environments[]>('environment')).find((one) => one.environment === name);
    const page = async (name: string) => (await fetch((await live(name))?.services[0]?.url ?? '')).text();

    const good = await deliver('good');
    assert.equal(good.code, 0, good.output);
    assert.equal((await live(staging))?.kind, 'compose');
    assert.equal(await page(staging), 'good');

    const bad = await deliver('bad');
    assert.equal(bad.code, 1, bad.output);
    assert.equal(await page(staging), 'good');

    const images = () => [...new Set(engine.docker('images', '--quiet').split('\n'))].sort();
    const built = images();
    const released = await shop.deliver('release', '--yes');
    assert.equal(released.code, 0, released.stdout + released.stderr);
    assert.equal(await page(production), 'good');
    assert.deepEqual(images(), built);

    for (const name of [staging, production]) assert.equal((await shop.deliver('environment', 'stop', name, '--yes')).code, 0);
    assert.equal(engine.docker('ps', '--quiet'), '');
  });
});
