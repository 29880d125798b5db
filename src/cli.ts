import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ciServices } from './core/ci/registry';
import { messageOf } from './core/model/result';
import { wordList } from './core/support/word-list';
import { exitCodes, Terminal } from './cli/terminal';

declare const DELIVER_VERSION: string;

/** The command line: what each command is and takes. Its code is loaded when it is called. */
async function main(args: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  let exitCode = 0;
  const does =
    <A extends unknown[]>(action: (...args: A) => Promise<number>) =>
    async (...args: A): Promise<void> => {
      exitCode = await action(...args);
    };

  const json = (): Option => new Option('--json', 'print JSON that other tools can rely on');
  const service = (): Option => new Option('--service <name>', 'the service that is meant, where there are several');
  const runOption = (): Option => new Option('--run <id>', 'another run than the latest');

  const engines = ciServices.map(({ kind }) => kind);

  const program = new Command('deliver')
    .description('Delivers the change you just made to a production-like environment.')
    .version(typeof DELIVER_VERSION === 'string' ? DELIVER_VERSION : '0.0.0')
    .showHelpAfterError('(deliver --help lists the commands)')
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the delivery failed, 2 wrong usage or an invalid delivery.yaml,\n3 the machinery failed (git, disk, network), 130 cancelled.',
    );

  program
    .command('init')
    .description('write a delivery.yaml from what the folder holds; never overwrites one')
    .addOption(json())
    .action(does(async (options: { json?: true }) => (await import('./cli/init')).init(options, terminal)));
  program
    .command('check')
    .description('validate delivery.yaml and list every manual handover')
    .addOption(service())
    .addOption(json())
    .action(does(async (options: { service?: string; json?: true }) => (await import('./cli/check')).check(options, terminal)));
  program
    .command('run')
    .description('deliver: the working tree as it is now, unless a commit is named')
    .option('--commit <rev>', 'deliver this commit instead of the working tree')
    .option('--resume <run>', 'go on from a run: what passed there is not run again where its slot still holds it')
    .option('--yes', 'do not ask where a step deploys to customers')
    .addOption(new Option('--engine <engine>', 'where the steps run (default: where delivery.yaml says)').choices(['local', ...engines]))
    .option('--jobs <number>', 'how many steps at a time (default: as many as the machine has processors)', wholeNumber)
    .addOption(service())
    .addOption(json())
    .action(does(async (options: import('./cli/run').RunOptions) => (await import('./cli/run')).run(options, terminal)));
  program
    .command('status')
    .description('the latest run, step by step, and whether the service is releasable')
    .addOption(runOption())
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: { run?: string; service?: string; json?: true }) => (await import('./cli/status')).status(options, terminal)),
    );
  program
    .command('log')
    .argument('[step]', 'one step only')
    .description('what the steps of the latest run printed')
    .option('--follow', 'go on until the run ends')
    .addOption(runOption())
    .addOption(service())
    .action(
      does(async (step: string | undefined, options: { run?: string; service?: string; follow?: true }) =>
        (await import('./cli/log')).log(step, options, terminal),
      ),
    );
  program
    .command('problems')
    .description('what failed in the latest run, and where: files and lines as they are now')
    .addOption(runOption())
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: { run?: string; service?: string; json?: true }) =>
        (await import('./cli/problems')).problems(options, terminal),
      ),
    );
  program
    .command('feedback')
    .description('what customers say, with the lines and changes it is about')
    .option('--deliveries <number>', 'how many deliveries back a change is recent', wholeNumber, 5)
    .option('--days <number>', 'how many days back a change is recent', wholeNumber, 14)
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: import('./cli/feedback').FeedbackOptions) => (await import('./cli/feedback')).feedback(options, terminal)),
    );
  program
    .command('metrics')
    .description('the delivery metrics: how often, how fast and how safely changes reach customers')
    .option('--days <number>', 'how many days back', wholeNumber, 30)
    .addOption(service())
    .addOption(json())
    .action(does(async (options: import('./cli/metrics').MetricsOptions) => (await import('./cli/metrics')).metrics(options, terminal)));
  program
    .command('cancel')
    .description('end the running and waiting deliveries and everything they started')
    .addOption(runOption())
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: { run?: string; service?: string; json?: true }) => (await import('./cli/cancel')).cancel(options, terminal)),
    );
  program
    .command('follow')
    .description('go on to tell what becomes of a run on a CI service, where nothing on this machine does')
    .addOption(runOption())
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: { run?: string; service?: string; json?: true }) => (await import('./cli/follow')).follow(options, terminal)),
    );
  program
    .command('engine')
    .addArgument(new Argument('[engine]', 'another than the one that delivery.yaml names').choices(engines))
    .description('which CI service runs the pipeline, and whether it lets us')
    .addOption(service())
    .addOption(json())
    .action(
      does(async (name: import('./core/ci/ci-service').CiName | undefined, options: { service?: string; json?: true }) =>
        (await import('./cli/engine')).engine(name, options, terminal),
      ),
    );
  program
    .command('approve')
    .argument('[environment]', 'where several wait')
    .description('let a deployment go on that waits for a person at the CI service')
    .addOption(runOption())
    .addOption(service())
    .action(
      does(async (name: string | undefined, options: { run?: string; service?: string }) =>
        (await import('./cli/approve')).approve(name, options, terminal),
      ),
    );

  const environment = program.command('environment').description('what is live in the environments');
  environment
    .command('show', { isDefault: true })
    .argument('[name]', 'one environment only')
    .description('what is live, where, and how it is (what `deliver environment` does by itself)')
    .addOption(json())
    .action(
      does(async (name: string | undefined, options: { json?: true }) =>
        (await import('./cli/environment')).environment(name, options, terminal),
      ),
    );
  environment
    .command('stop')
    .argument('<name>')
    .description('end an environment and everything it runs')
    .addOption(json())
    .action(
      does(async (name: string, options: { json?: true }) => (await import('./cli/environment')).stopEnvironment(name, options, terminal)),
    );
  environment
    .command('start')
    .argument('<name>')
    .description('bring back what was live, after a stop or a reboot')
    .addOption(json())
    .action(
      does(async (name: string, options: { json?: true }) => (await import('./cli/environment')).startEnvironment(name, options, terminal)),
    );
  environment
    .command('remove')
    .argument('<name>')
    .description('end an environment and forget what was deployed there; feedback is kept')
    .addOption(json())
    .action(
      does(async (name: string, options: { json?: true }) =>
        (await import('./cli/environment')).removeEnvironment(name, options, terminal),
      ),
    );
  environment
    .command('logs')
    .argument('<name>')
    .description('what the live release of a service prints')
    .option('--lines <number>', 'how many of its last lines', wholeNumber, 100)
    .option('--follow', 'go on with what comes')
    .addOption(service())
    .action(
      does(async (name: string, options: import('./cli/environment-logs').LogsOptions) =>
        (await import('./cli/environment-logs')).environmentLogs(name, options, terminal),
      ),
    );
  environment
    .command('watch')
    .description('tell what is live whenever it changes, as JSON lines, until the input ends')
    .action(does(async () => (await import('./cli/environment-watch')).watchEnvironments(terminal)));
  program
    .command('rollback')
    .argument('[environment]', 'where there are several')
    .description('bring back the previous release of the service, or an earlier one')
    .option('--to <commit>', 'which one')
    .option('--list', 'only say which there are')
    .addOption(service())
    .addOption(json())
    .action(
      does(async (name: string | undefined, options: { service?: string; to?: string; list?: true; json?: true }) =>
        (await import('./cli/rollback')).rollback(name, options, terminal),
      ),
    );
  program
    .command('release')
    .description('release to customers exactly what is verified in another environment; nothing is built again')
    .option('--from <environment>', 'where it is live now, where there are several')
    .option('--to <environment>', 'where customers are (default: the release of delivery.yaml)')
    .option('--why <reason>', 'why it is released though it is not verified; kept in the journal')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only say what would change')
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: import('./cli/release').ReleaseOptions) =>
        (await import('./cli/release')).releaseToCustomers(options, terminal),
      ),
    );
  program
    .command('export')
    .argument('<engine>', wordList(engines, 'or'))
    .description('write the pipeline of a CI service from delivery.yaml; your own marked lines stay')
    .option('--package <package>', 'what `npx` gets Deliver from there: a packed file of the repository, or a name and version')
    .option('--force', 'also over a file that Deliver did not write, and over changes outside the marked places')
    .option('--dry-run', 'only say what would be written')
    .addOption(service())
    .addOption(json())
    .action(
      does(async (engine: string, options: import('./cli/export').ExportCommandOptions) =>
        (await import('./cli/export')).exportPipelines(engine, options, terminal),
      ),
    );
  program
    .command('step')
    .argument('<name>', 'the step')
    .description('run one step in this checkout, of the commit that is checked out, as a job of a CI service calls it')
    .addOption(service())
    .addOption(json())
    .action(
      does(async (name: string, options: { service?: string; json?: true }) => (await import('./cli/step')).step(name, options, terminal)),
    );
  program
    .command('supervise', { hidden: true })
    .argument('<environment>')
    .action(does(async (name: string) => (await import('./cli/supervise')).supervise(name)));
  program
    .command('watch-release', { hidden: true })
    .argument('<what>')
    .action(does(async (what: string) => (await import('./cli/watch-release')).watchRelease(what)));

  program
    .command('watch-engines', { hidden: true })
    .option('--news', 'begun anew: the one that watches hands over')
    .action(does(async (options: { news?: true }) => (await import('./cli/watch-engines')).watchEngines(options, terminal)));

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    terminal.warn(`deliver: ${messageOf(error)}`);
    if (process.env['DELIVER_DEBUG'] && error instanceof Error) terminal.warn(error.stack ?? '');
    return exitCodes.machinery;
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = exitCodes.machinery;
    process.stderr.write(`deliver: ${messageOf(error)}\n`);
  },
);
