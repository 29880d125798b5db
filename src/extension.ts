import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { EnvironmentLogStream } from './editor/logs/environment-log-stream';
import { Cli } from './editor/app/cli';
import { CommittedDocuments } from './editor/failures/committed-documents';
import { registerCommands } from './editor/app/commands';
import { ContextKeys } from './editor/app/context-keys';
import { CustomerFeedback } from './editor/changes/customer-feedback';
import { DefinitionDiagnostics } from './editor/pipeline/definition-diagnostics';
import { revealStep } from './editor/pipeline/definition-step';
import { Definitions } from './editor/pipeline/definitions';
import { Deliveries } from './editor/pipeline/deliveries';
import { DeliveryEnd } from './editor/pipeline/delivery-end';
import { DeliveryMetrics } from './editor/app/delivery-metrics';
import { openDocumentation } from './editor/app/documentation';
import { AutoDelivery } from './editor/pipeline/auto-delivery';
import { CiActions } from './editor/ci/ci-actions';
import { CiRecords } from './editor/ci/ci-records';
import { CiTokens } from './editor/ci/ci-tokens';
import { CiWatch } from './editor/ci/ci-watch';
import { EnvironmentActions } from './editor/environments/environment-actions';
import { EnvironmentsView } from './editor/environments/environments-view';
import { FailureJumps } from './editor/failures/failure-jumps';
import { failuresOf } from './editor/failures/failures';
import { ManualApprovals } from './editor/pipeline/manual-approvals';
import { HostTokens } from './editor/app/host-tokens';
import { LogDocuments } from './editor/logs/log-document';
import { LogLinks } from './editor/logs/log-links';
import { Logs } from './editor/logs/logs';
import { Output } from './editor/logs/output';
import { lazyParser } from './editor/pipeline/parser';
import { ProblemDiagnostics } from './editor/failures/problem-diagnostics';
import { ProblemPlaces } from './editor/failures/problem-places';
import { Repositories } from './editor/app/repositories';
import type { CommandTarget } from './editor/tree/row';
import { RowView } from './editor/tree/row-view';
import { pipelineMessage, pipelineRows } from './editor/pipeline/run-rows';
import { lazySample, openSample } from './editor/app/sample';
import { SecretStore } from './editor/app/secrets';
import { ServiceChoice } from './editor/app/service-choice';
import { setUp } from './editor/app/set-up';
import { isFinished } from './core/model/run-state';
import { isLive } from './editor/app/state';
import { StatusBar } from './editor/app/status-bar';
import { statusText } from './editor/app/status-text';
import { Store } from './editor/app/store';
import { Suspects } from './editor/failures/suspects';

/** What the extension shows, as text, for tests in a real window. */
export interface Shown {
  /** How long the extension's own part of the activation took. */
  readonly activationMs: number;
  readonly pipelineText: () => string;
  readonly environmentsText: () => string;
  readonly changesText: () => string;
  readonly statusText: () => string;
  readonly outputText: () => string;
}

/** Builds the parts, hands them to each other and registers their disposal. */
export function activate(context: vscode.ExtensionContext): Shown {
  const began = performance.now();
  const dist = context.asAbsolutePath('dist');
  const parse = lazyParser();
  const cli = new Cli(path.join(dist, 'cli.js'), context.logUri.fsPath);
  const store = new Store(vscode.workspace.isTrusted);
  const choice = new ServiceChoice(store);

  const pipeline = new RowView(
    'deliver.pipeline',
    (now) => pipelineRows(store.state, now),
    () => store.state.services.some((service) => isLive(service) || service.runs.some(({ outcome }) => !isFinished(outcome))),
    () => pipelineMessage(store.state),
    () => {
      handovers.update();
      watchEngines();
    },
  );
  const handovers = new ManualApprovals(store, () => pipeline.visible);
  const tokens = new HostTokens(context.secrets);
  const engineTokens = new CiTokens(tokens, parse);
  const engineWatch = new CiWatch(cli, engineTokens);
  const engineRecords = new CiRecords(store);
  const isSeen = (): boolean => pipeline.visible;
  const watchEngines = (): void => {
    if (vscode.workspace.isTrusted) engineWatch.update(isSeen(), store.state.services);
  };
  const watchEnginesAnew = (): void => {
    if (vscode.workspace.isTrusted) engineWatch.again(isSeen(), store.state.services);
  };
  const environments = new EnvironmentsView(cli, store);
  const status = () => statusText(choice.shown(), store.state.services.length > 1, Date.now(), store.state.environments);
  const statusBar = new StatusBar(status);
  const output = new Output();
  const documents = new LogDocuments();
  const repositories = new Repositories();
  const places = new ProblemPlaces(repositories);
  const problems = new ProblemDiagnostics(places);
  const links = new LogLinks(() => store.state, places);
  const diagnostics = new DefinitionDiagnostics(parse);
  const keys = new ContextKeys();
  const reveal = async (subject: CommandTarget): Promise<void> => {
    const key = subject.service ?? choice.shown()?.key;
    if (key !== undefined) await pipeline.reveal(key);
  };

  const end = new DeliveryEnd(
    () => pipeline.visible,
    (text) => output.say(text),
    () => output.reveal(),
  );
  const secrets = new SecretStore(context.secrets, parse);
  const askedLogs = new EnvironmentLogStream(cli, context.logUri.fsPath, () => store.state.services[0]?.root ?? os.homedir());
  const logs = new Logs(choice, documents, output, store, askedLogs);
  const committed = new CommittedDocuments(store, places);
  const feedback = new CustomerFeedback({ context, store, repositories, places, documents: committed, parse, tokens });
  const actions = new EnvironmentActions(cli, store, end, engineTokens, (service, since) => feedback.countSince(service, since));
  const failures = new FailureJumps(store, places, async (subject) => logs.open(subject));
  const deliveries = new Deliveries({ cli, store, choice, secrets, tokens: engineTokens, parse, end, reveal });
  const everyChange = new AutoDelivery(store, deliveries, secrets, end);
  const engines = new CiActions({
    ...{ cli, choice, deliveries, end, tokens: engineTokens },
    signedIn: watchEnginesAnew,
  });
  const metrics = new DeliveryMetrics({ cli, choice, end, tokens: engineTokens });
  const commands = registerCommands({
    deliveries,
    engines,
    environments: actions,
    logs,
    metrics,
    failures,
    handovers,
    feedback: feedback.actions,
    suspects: new Suspects(failures, places, committed),
    serviceOf: ({ fsPath }) => (store.serviceOf(fsPath) ?? store.onlyServiceIn(fsPath))?.key,
    reveal,
    showOutput: () => output.reveal(),
    setUp: () => setUp(cli, end),
    openSample: () => openSample(lazySample(context.asAbsolutePath('media'))),
    openDocumentation: ({ text }) => openDocumentation(vscode.Uri.joinPath(context.extensionUri, 'media/docs'), text),
    setSecret: async (subject) => {
      const service = await choice.choose(subject, 'Set Secret');
      if (service) await secrets.set(service);
    },
    revealStep: async (subject) => {
      const service = await choice.choose(subject, 'Go to Step');
      if (service) await revealStep(service, subject.step);
    },
  });

  store.changes.listen(() => {
    const { services, situation } = store.state;
    keys.update({ situation, hasService: services.length > 0 });
    output.update(services);
    pipeline.update();
    environments.update();
    statusBar.update();
    engineRecords.update(services);
    if (!vscode.workspace.isTrusted) return;
    watchEngines();
    places.update(services.flatMap(failuresOf));
    feedback.update(services);
    everyChange.update(services);
    end.update(services);
    handovers.update();
  });
  places.changes.listen(() => problems.update(store.state.services.flatMap(failuresOf)));
  const definitions = new Definitions((files, folders) => store.show(files, folders));
  context.subscriptions.push(
    ...[
      store,
      pipeline,
      environments,
      askedLogs,
      engineWatch,
      engineRecords,
      statusBar,
      output,
      documents,
      metrics,
      links,
      diagnostics,
      places,
      problems,
      committed,
      repositories,
      feedback,
      everyChange,
      handovers,
      commands,
      definitions,
    ],
    tokens.onDidChange(watchEnginesAnew),
    vscode.workspace.onDidGrantWorkspaceTrust(() => store.trust()),
    vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      store.saved(uri.fsPath);
      // Another engine may be named in it.
      if (store.state.services.some(({ file }) => file === uri.fsPath)) watchEnginesAnew();
    }),
    vscode.window.onDidChangeActiveTextEditor(() => statusBar.update()),
  );
  void definitions.find();
  return {
    activationMs: performance.now() - began,
    pipelineText: () => pipeline.asText(),
    environmentsText: () => environments.asText(),
    changesText: () => feedback.asText(),
    statusText: () => status()?.text ?? '',
    outputText: () => output.asText(),
  };
}
