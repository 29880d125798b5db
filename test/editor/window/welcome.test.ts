import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { eventually } from './eventually';
import { Session } from './session';

describe('a window without a service', function () {
  this.timeout(120_000);
  let session: Session;

  before(async () => {
    session = await Session.start();
  });
  after(async () => session.end());

  it('shows why the Pipeline view is empty and offers the next step', async () => {
    const folder = path.join(session.folder, 'empty');
    fs.mkdirSync(folder);
    const window = await session.openDeliveries(folder);
    await eventually(async () => assert.match(await window.welcome('Pipeline'), /git|delivery\.yaml/i));
    await window.screenshot('welcome');
    await window.close();
  });
});
