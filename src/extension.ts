import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { AskedLogs } from './editor/asked-logs';
import { Cli } from './editor/cli';
import { CommittedDocuments } from './editor/committed-documents';
import { registerCommands } from './editor/commands';
import { ContextKeys } from './editor/context-keys';
import { CustomerFeedback } from './editor/feedback/customer-feedback';
import { DefinitionDiagnostics } from './editor/definition-diagnostics';
import { revealStep } from './editor/definition-step';
import { Definitions } from './editor/definitions';
import { Deliveries } from './editor/deliveries';
import { DeliveryEnd } from './editor/delivery-end';
import { DeliveryMetrics } from './editor/delivery-metrics';
import { EveryChange } from './editor/every-change';
import { EngineActions } from './editor/engines/engine-actions';
import { EngineRecords } from './editor/engines/engine-records';
import { EngineTokens } from './editor/engines/engine-tokens';
import { EngineWatch } from './editor/engines/engine-watch';
import { EnvironmentActions } from './editor/environment-actions';
import { EnvironmentsView } from './editor/environments-view';
import { FailureJumps } from './editor/failure-jumps';
import { failuresOf } from './editor/failures';
import { Handovers } from './editor/handovers';
import { HostTokens } from './editor/host-tokens';
import { LogDocuments } from './editor/log-document';
import { LogLinks } from './editor/log-links';
import { Logs } from './editor/logs';
import { Output } from './editor/output';
import { lazyParser } from './editor/parser';
import { ProblemDiagnostics } from './editor/problem-diagnostics';
import { ProblemPlaces } from './editor/problem-places';
import { Repositories } from './editor/repositories';
import type { Subject } from './editor/row';
import { RowView } from './editor/row-view';
import { pipelineMessage, pipelineRows } from './editor/run-rows';
import { lazySample, openSample } from './editor/sample';
import { SecretStore } from './editor/secrets';
import { ServiceChoice } from './editor/service-choice';
import { setUp } from './editor/set-up';
import { isFinished } from './core/run/state';
import { isLive } from './editor/state';
import { StatusBar } from './editor/status-bar';
import { statusText } from './editor/status-text';
import { Store } from './editor/store';
import { Suspects } from './editor/suspects';

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
  const parse = lazyParser(dist);
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
  const handovers = new Handovers(store, () => pipeline.visible);
  const tokens = new HostTokens(context.secrets);
  const engineTokens = new EngineTokens(tokens, parse);
  const engineWatch = new EngineWatch(cli, engineTokens);
  const engineRecords = new EngineRecords(store);
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
  const reveal = async (subject: Subject): Promise<void> => {
    const key = subject.service ?? choice.shown()?.key;
    if (key !== undefined) await pipeline.reveal(key);
  };

  const end = new DeliveryEnd(
    () => pipeline.visible,
    (text) => output.say(text),
    () => output.reveal(),
  );
  const secrets = new SecretStore(context.secrets, parse);
  const askedLogs = new AskedLogs(cli, context.logUri.fsPath, () => store.state.services[0]?.root ?? os.homedir());
  const logs = new Logs(choice, documents, output, store, askedLogs);
  const committed = new CommittedDocuments(store, places);
  const feedback = new CustomerFeedback({ context, store, repositories, places, documents: committed, parse, tokens });
  const actions = new EnvironmentActions(cli, store, end, engineTokens, (service, since) => feedback.countSince(service, since));
  const failures = new FailureJumps(store, places, async (subject) => logs.open(subject));
  const deliveries = new Deliveries({ cli, store, choice, secrets, tokens: engineTokens, parse, end, reveal });
  const everyChange = new EveryChange(store, deliveries, secrets, end);
  const engines = new EngineActions({
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
    openSample: () => openSample(lazySample(dist)),
    setSecret: async (subject) => {
      const service = await choice.choose(subject, 'Set Secret');
      if (service) await secrets.set(service);
    },
    revealStep: async (subject) => {
      const service = await choice.choose(subject, 'Go to the Step');
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
