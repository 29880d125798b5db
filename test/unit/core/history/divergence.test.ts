import * as assert from 'node:assert/strict';
import { divergence } from '../../../../src/core/history/ancestry';
import { Delivery } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('the divergence of a release from the branch', () => {
  const folder = temporaryFolder();

  it('lists the commits of its folder that only one of them has, newest first', async () => {
    const project = new Project(folder.path).write('shop/a.js', '1').commit('Begin');
    project.git('checkout', '-q', '-b', 'other');
    project.write('shop/b.js', '1').commit('Theirs');
    const release = project.git('rev-parse', 'HEAD').trim();
    project.git('checkout', '-q', 'main');
    project.write('shop/a.js', '2').commit('Second').write('cart/a.js', '1').commit('Elsewhere').write('shop/a.js', '3').commit('Third');
    const head = project.git('rev-parse', 'HEAD').trim();
    const { repository, home } = await Delivery.from(project.root, project.home);
    const summary = await divergence(repository, home, release, head, 'shop');
    assert.deepEqual(summary, { missing: ['Third', 'Second'], foreign: ['Theirs'] });
    assert.deepEqual(await divergence(repository, home, head, head, 'shop'), { missing: [], foreign: [] });
  });

  it('is unknown for a commit that the repository lacks', async () => {
    const project = new Project(folder.path).commit('Begin');
    const head = project.git('rev-parse', 'HEAD').trim();
    const { repository, home } = await Delivery.from(project.root, project.home);
    assert.equal(await divergence(repository, home, 'a'.repeat(40), head, ''), undefined);
    assert.equal(await divergence(repository, home, '--output=x', head, ''), undefined);
  });
});
