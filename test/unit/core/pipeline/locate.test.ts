import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { listServices, locateService } from '../../../../src/core/pipeline/locate';
import { temporaryFolder } from '../../../support/temporary';

describe('the services of a working copy', () => {
  const folder = temporaryFolder();
  beforeEach(() => execFileSync('git', ['init', '-q'], { cwd: folder.path }));
  const write = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(folder.path, file)), { recursive: true });
    fs.writeFileSync(path.join(folder.path, file), text);
  };

  const names: Record<string, [string, string]> = {
    'as nearly everybody writes it': ['service: shop\nsteps: {}\n', 'shop'],
    'with Windows line ends': ['steps: {}\r\nservice: shop\r\n', 'shop'],
    'in quotes': ['service: "shop"\n', 'shop'],
    'before a comment': ['service: shop # ours\n', 'shop'],
    'as JSON': ['{"service": "shop"}', 'shop'],
    'of a file with errors': ['service: shop\nsteps: 3\nfoo: bar\n', 'shop'],
    'beside a text that looks the same': ['steps:\n  a:\n    run: |\n      service: other\nservice: shop\n', 'shop'],
    'by the folder where there is none': ['steps: {}\n', 'web'],
    'by the folder where it is no text': ['service: [a]\n', 'web'],
    'by the folder where the file is no YAML': ['service: [', 'web'],
  };
  for (const [how, [text, name]] of Object.entries(names)) {
    it(`are named ${how}`, async () => {
      write('web/delivery.yaml', text);
      assert.deepEqual(await listServices(folder.path), [{ folder: 'web', name }]);
    });
  }

  it('are chosen by name, by where one stands, or because there is only one', async () => {
    write('a/delivery.yaml', 'service: one\n');
    const meant = async (from: string, name?: string): Promise<unknown> => {
      const place = await locateService(folder.path, path.join(folder.path, from), name);
      return place.ok ? place.value.name : place.failure.hint;
    };
    assert.equal(await meant(''), 'one');
    write('b/src/x', '');
    write('b/delivery.yaml', 'service: two\n');
    assert.equal(await meant('b/src'), 'two');
    assert.equal(await meant('b/src', 'one'), 'one');
    assert.equal(await meant(''), 'choose one with --service: one, two');
    assert.equal(await meant('', 'three'), 'known services: one, two');
  });
});
