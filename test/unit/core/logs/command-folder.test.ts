import assert from 'node:assert/strict';
import { commandFolder } from '../../../../src/core/logs/command-folder';

describe('the folder of a command', () => {
  const cases: [string, string | undefined][] = [
    ['npm test', undefined],
    ['cd web && npm test', 'web'],
    ['set -e\ncd "packages/lib"\nnpm ci\nnpm test', 'packages/lib'],
    ['(cd web; npm test)', 'web'],
    ['npm test -w lib', 'lib'],
    ['npm --workspace=@acme/lib run build', '@acme/lib'],
    ['pnpm -C packages/lib test', 'packages/lib'],
    ['yarn --cwd lib test', 'lib'],
    ['npm ci && npm test -w lib', undefined],
    ['cd web && npm test && cd ../api && npm test', undefined],
    ['npm ci; cd web; npm test', undefined],
    ['(cd web && npm test) && npm run lint', undefined],
    ['cd "$FOLDER" && npm test', undefined],
    ['cd .. && make', '..'],
  ];
  for (const [command, folder] of cases)
    it(`is ${folder ?? 'unknown'} for ${JSON.stringify(command)}`, () => assert.equal(commandFolder(command), folder));
});
