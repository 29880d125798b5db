#!/usr/bin/env node
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ciServices } from './core/ci/registry';
import { messageOf } from './core/model/result';
import { wordList } from './core/support/format';
import { plain } from './core/support/terminal-text';
import { exitCodes, Terminal } from './cli/terminal';

declare const DELIVER_VERSION: string;

/** Defines the command line. The code of a command is loaded when it is called. */
async function main(args: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  let exitCode = 0;
  const does =
    <A extends unknown[]>(action: (...args: A) => Promise<number>) =>
    async (...args: A): Promise<void> => {
      exitCode = await action(...args);
    };

  const json = (): Option => new Option('--json', 'print JSON in a stable format');
  const service = (): Option => new Option('--service <name>', 'the service, if there are several');
  const runOption = (): Option => new Option('--run <id>', 'a run other than the latest');

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
    .argument('[folders...]', 'the folders of services (default: this folder, or the services below it)')
    .description('write a delivery.yaml for each service; never overwrites one')
    .option('--list', 'list the services and write nothing')
    .addOption(json())
    .action(
      does(async (folders: string[], options: import('./cli/init').InitOptions) =>
        (await import('./cli/init')).init(folders, options, terminal),
      ),
    );
  program
    .command('check')
    .description('validate delivery.yaml and list all manual approvals')
    .addOption(service())
    .addOption(json())
    .action(does(async (options: { service?: string; json?: true }) => (await import('./cli/check')).check(options, terminal)));
  program
    .command('run')
    .description('deliver the working tree, or a commit')
    .option('--commit <rev>', 'deliver this commit instead of the working tree')
    .option('--resume <run>', 'resume a run: reuse its passed steps if its slot still has their files')
    .addOption(new Option('--clean', 'use neither the cache nor files of earlier runs').conflicts('resume'))
    .option('--yes', 'do not ask before a step deploys to production')
    .option('--take-over', 'replace services of the same name that other repositories delivered')
    .addOption(
      new Option('--engine <engine>', 'run the steps here or on a CI service (default: as in delivery.yaml)').choices([
        'local',
        ...engines,
      ]),
    )
    .option('--jobs <number>', 'maximum number of parallel steps (default: the number of processors)', wholeNumber)
    .addOption(service())
    .addOption(json())
    .action(does(async (options: import('./cli/run').RunOptions) => (await import('./cli/run')).run(options, terminal)));
  program
    .command('status')
    .description('show the latest run with its steps, and whether the service is releasable')
    .addOption(runOption())
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: { run?: string; service?: string; json?: true }) => (await import('./cli/status')).status(options, terminal)),
    );
  program
    .command('log')
    .argument('[step]', 'show only this step')
    .description('print the logs of the latest run')
    .option('-f, --follow', 'continue until the run ends')
    .addOption(runOption())
    .addOption(service())
    .action(
      does(async (step: string | undefined, options: { run?: string; service?: string; follow?: true }) =>
        (await import('./cli/log')).log(step, options, terminal),
      ),
    );
  program
    .command('problems')
    .description('list the failures of the latest run with their current files and lines')
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
    .description('list customer feedback with its lines and changes')
    .option('--deliveries <number>', 'show changes from this many recent deliveries', wholeNumber, 5)
    .option('--days <number>', 'show changes from this many days', wholeNumber, 14)
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: import('./cli/feedback').FeedbackOptions) => (await import('./cli/feedback')).feedback(options, terminal)),
    );
  program
    .command('metrics')
    .description('show the delivery metrics: frequency, lead time, failure rate, recovery time, rework')
    .option('--days <number>', 'the period in days', wholeNumber, 30)
    .addOption(service())
    .addOption(json())
    .action(does(async (options: import('./cli/metrics').MetricsOptions) => (await import('./cli/metrics')).metrics(options, terminal)));
  program
    .command('cancel')
    .description('cancel running and queued deliveries and end all their processes')
    .addOption(runOption())
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: { run?: string; service?: string; json?: true }) => (await import('./cli/cancel')).cancel(options, terminal)),
    );
  program
    .command('follow')
    .description('resume monitoring a CI run')
    .addOption(runOption())
    .addOption(service())
    .addOption(json())
    .action(
      does(async (options: { run?: string; service?: string; json?: true }) => (await import('./cli/follow')).follow(options, terminal)),
    );
  program
    .command('engine')
    .addArgument(new Argument('[engine]', 'a CI service other than the one in delivery.yaml').choices(engines))
    .description('show the CI service of the pipeline and check access')
    .addOption(service())
    .addOption(json())
    .action(
      does(async (name: import('./core/ci/ci-service').CiName | undefined, options: { service?: string; json?: true }) =>
        (await import('./cli/engine')).engine(name, options, terminal),
      ),
    );
  program
    .command('approve')
    .argument('[environment]', 'the environment, if several deployments are waiting')
    .description('approve a deployment that is waiting on the CI service')
    .addOption(runOption())
    .addOption(service())
    .action(
      does(async (name: string | undefined, options: { run?: string; service?: string }) =>
        (await import('./cli/approve')).approve(name, options, terminal),
      ),
    );

  const environment = program.command('environment').description('show and manage environments');
  environment
    .command('show', { isDefault: true })
    .argument('[name]', 'show only this environment')
    .description('show live services with their release, health and address (default)')
    .addOption(json())
    .action(
      does(async (name: string | undefined, options: { json?: true }) =>
        (await import('./cli/environment')).environment(name, options, terminal),
      ),
    );
  environment
    .command('stop')
    .argument('<name>')
    .description('stop the services of this repository in an environment')
    .option('--all', 'include the services of other repositories')
    .option('--yes', 'do not ask if it is a production environment')
    .addOption(json())
    .action(
      does(async (name: string, options: import('./cli/environment').ActOptions) =>
        (await import('./cli/environment')).stopEnvironment(name, options, terminal),
      ),
    );
  environment
    .command('start')
    .argument('<name>')
    .description('start the live releases of this repository again after a stop or a reboot')
    .option('--all', 'include the services of other repositories')
    .addOption(json())
    .action(
      does(async (name: string, options: import('./cli/environment').ActOptions) =>
        (await import('./cli/environment')).startEnvironment(name, options, terminal),
      ),
    );
  environment
    .command('remove')
    .argument('<name>')
    .description('stop the services of this repository and delete their records; feedback is kept')
    .option('--all', 'include the services of other repositories')
    .option('--yes', 'do not ask if it is a production environment')
    .addOption(json())
    .action(
      does(async (name: string, options: import('./cli/environment').ActOptions) =>
        (await import('./cli/environment')).removeEnvironment(name, options, terminal),
      ),
    );
  environment
    .command('logs')
    .argument('<name>')
    .description('print the log of the live release')
    .option('-n, --lines <number>', 'number of last lines', wholeNumber, 100)
    .option('-f, --follow', 'continue with new lines')
    .option('--all', 'include the services of other repositories')
    .addOption(service())
    .action(
      does(async (name: string, options: import('./cli/environment-logs').LogsOptions) =>
        (await import('./cli/environment-logs')).environmentLogs(name, options, terminal),
      ),
    );
  environment
    .command('watch')
    .description('print the environments as a JSON line whenever they change, until stdin ends')
    .action(does(async () => (await import('./cli/environment-watch')).watchEnvironments(terminal)));
  program
    .command('rollback')
    .argument('[environment]', 'the environment, if there are several')
    .description('restore the previous release of the service, or an earlier one')
    .option('--to <commit>', 'the release to restore')
    .option('--list', 'only list the releases that can be restored')
    .addOption(service())
    .addOption(json())
    .action(
      does(async (name: string | undefined, options: { service?: string; to?: string; list?: true; json?: true }) =>
        (await import('./cli/rollback')).rollback(name, options, terminal),
      ),
    );
  program
    .command('release')
    .description('release the verified build of another environment to production')
    .option('--from <environment>', 'the environment to release from, if there are several')
    .option('--to <environment>', 'the production environment (default: `release` of delivery.yaml)')
    .option('--why <reason>', 'reason for releasing without verification, kept in the journal')
    .option('--yes', 'do not ask')
    .option('--take-over', 'replace a service of the same name that another repository delivered')
    .option('--dry-run', 'only show the changes')
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
    .description('write the pipeline of a CI service from delivery.yaml; keeps your own marked lines')
    .option('--package <package>', 'the file of `npm pack` in the repository that CI jobs run Deliver from')
    .option('--force', 'overwrite files that Deliver did not write, and changes outside the marked lines')
    .option('--dry-run', 'only list the files')
    .option('--check', 'write nothing; exit with 1 if an export would change a file')
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
    .description('run one step in this checkout, as a job of a CI service does')
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
    .option('--news', 'take over from the current leader')
    .action(does(async (options: { news?: true }) => (await import('./cli/watch-engines')).watchEngines(options, terminal)));

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    reportError(error);
    return exitCodes.machinery;
  }
}

/** An error outside the command, such as that of a write in an event handler on a full disk. */
process.on('uncaughtException', (error) => {
  reportError(error);
  process.exit();
});

function reportError(error: unknown): void {
  process.exitCode = exitCodes.machinery;
  process.stderr.write(`deliver: ${plain(messageOf(error))}\n`);
  if (process.env['DELIVER_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
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
    reportError(error);
  },
);
