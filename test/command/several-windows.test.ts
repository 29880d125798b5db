import { RemoteProject } from '../support/ci/remote-project';
import type { Running } from '../support/project';
import { eventually, temporaryFolder } from '../support/temporary';

/** What nobody looks at is asked for every five minutes: what is told within seconds is told because somebody looks. */
describe('a CI service that is watched for several windows', function () {
  this.timeout(120_000);
  // Before the folder is removed.
  afterEach(async () => {
    for (const { process } of windows) process.stdin?.end();
    await Promise.all(windows.map(async ({ ended }) => ended));
    await remote.stop();
  });
  const temporary = temporaryFolder();
  let remote: RemoteProject;
  let windows: Running[];

  beforeEach(async () => {
    remote = await RemoteProject.start(temporary.path, 'github', { build: { run: 'make' } });
    windows = [];
  });

  function open(says: 'seen' | 'hidden', environment = remote.environment, ...options: string[]): Running {
    const window = remote.project.start(['watch-engines', ...options], environment, 'pipe');
    windows.push(window);
    tell(window, says);
    return window;
  }

  function tell({ process }: Running, says: 'seen' | 'hidden'): void {
    process.stdin?.write(`${says}\n`);
  }

  /** Somebody else pushes. */
  function theirs(subject: string): void {
    remote.server.runs.begin({ branch: 'main', event: 'push', by: 'grace', subject }).pass();
  }

  async function isTold(subject: string): Promise<void> {
    await eventually(`${subject} is told`, async () => {
      const status = await remote.project.json<{ run: { change: { subject: string }; outcome: string } }>('status').catch(() => undefined);
      return status?.run.change.subject === subject && status.run.outcome === 'passed';
    });
  }

  it('is asked at once when one is looked at, whichever, and not for one that was killed', async () => {
    theirs('First');
    const first = open('hidden');
    await isTold('First');
    const second = open('hidden');
    theirs('Second');
    tell(second, 'seen');
    await isTold('Second');
    second.process.kill('SIGKILL');
    await second.ended;
    theirs('Third');
    tell(first, 'seen');
    await isTold('Third');
  });

  for (const end of ['closed', 'killed'] as const)
    it(`is watched by the next at once when the one that did was ${end}`, async () => {
      theirs('First');
      const first = open('hidden');
      await isTold('First');
      open('hidden');
      theirs('Second');
      if (end === 'closed') first.process.stdin?.end();
      else first.process.kill('SIGKILL');
      await isTold('Second');
    });

  it('is asked with the newest token', async () => {
    theirs('First');
    const [variable = ''] = Object.keys(remote.environment);
    open('seen', { [variable]: 'old' });
    await eventually('the old one is refused', () => remote.server.asked.length > 0);
    open('hidden', remote.environment, '--news');
    await isTold('First');
  });
});
