import * as fs from 'node:fs';
import * as path from 'node:path';
import { ServiceRepository } from './repository';
import { Session } from './session';

describe('a manual handover', function () {
  this.timeout(120_000);
  let session: Session;

  before(async () => {
    session = await Session.start();
  });
  after(async () => session.end());

  it('appears below its service and opens its line', async () => {
    const repository = ServiceRepository.create(path.join(session.folder, 'hello'));
    fs.writeFileSync(path.join(repository.folder, '.gitlab-ci.yml'), 'ship:\n  script: ./ship\n  when: manual\n');
    const window = await session.openDeliveries(repository.folder);
    await window.row('Pipeline', '1 manual handover').click();
    await window.screenshot('handovers');
    await window.row('Pipeline', 'job ship waits for a person').click();
    await window.cursorIsAt('.gitlab-ci.yml', 3);
  });
});
