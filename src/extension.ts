import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { isFinished } from './core/model/run-state';
import { counted } from './core/support/format';
import { Cli } from './editor/app/cli';
import { registerCommands } from './editor/app/commands';
import { DeliveryMetrics } from './editor/app/delivery-metrics';
import { openDocumentation } from './editor/app/documentation';
import { lazySample, openSample, setUp } from './editor/app/get-started';
import { applyHomeSetting } from './editor/app/home';
import { HostTokens } from './editor/app/host-tokens';
import { Repositories } from './editor/app/repositories';
import { SecretStore } from './editor/app/secrets';
import { ServiceChoice } from './editor/app/service-choice';
import { currentRun, isLive } from './editor/app/state';
import { ContextKeys, StatusBar } from './editor/app/status-bar';
import { statusText } from './editor/app/status-text';
import { Store } from './editor/app/store';
import { CustomerFeedback } from './editor/changes/customer-feedback';
import { CiActions } from './editor/ci/ci-actions';
import { CiRecords } from './editor/ci/ci-records';
import { CiTokens } from './editor/ci/ci-tokens';
import { CiWatch } from './editor/ci/ci-watch';
import { EnvironmentActions } from './editor/environments/environment-actions';
import { EnvironmentsView } from './editor/environments/environments-view';
import { CommittedDocuments } from './editor/failures/committed-documents';
import { FailureNavigation } from './editor/failures/failure-navigation';
import { failuresOf } from './editor/failures/failures';
import { ProblemDiagnostics } from './editor/failures/problem-diagnostics';
import { ProblemPlaces } from './editor/failures/problem-places';
import { Suspects } from './editor/failures/suspects';
import { LogDocuments } from './editor/logs/log-document';
import { LogLinks } from './editor/logs/log-links';
import { EnvironmentLogStream, Logs } from './editor/logs/logs';
import { Output } from './editor/logs/output';
import { AutoDelivery } from './editor/pipeline/auto-delivery';
import { DefinitionDiagnostics } from './editor/pipeline/definition-diagnostics';
import { Definitions, revealStep } from './editor/pipeline/definitions';
import { Deliveries } from './editor/pipeline/deliveries';
import { DeliveryNotifications } from './editor/pipeline/delivery-notifications';
import { ManualApprovals } from './editor/pipeline/manual-approvals';
import { pipelineMessage, pipelineRows } from './editor/pipeline/run-rows';
import type { CommandTarget } from './editor/tree/row';
import { RowView } from './editor/tree/row-view';

/** The views as text, for tests in a real window. */
export interface ViewTexts {
  readonly activationMs: number;
  readonly pipelineText: () => string;
  readonly environmentsText: () => string;
  readonly changesText: () => string;
  readonly statusText: () => string;
  readonly outputText: () => string;
}

/** Builds the parts, connects them and registers their disposal. */
export function activate(context: vscode.ExtensionContext): ViewTexts {
  const startedAt = performance.now();
  applyHomeSetting(context);
  const dist = context.asAbsolutePath('dist');
  const cli = new Cli(path.join(dist, 'cli.js'), context.logUri.fsPath, () => vscode.workspace.isTrusted);
  const store = new Store(vscode.workspace.isTrusted);
  const choice = new ServiceChoice(store);

  const pipeline = new RowView(
    'deliver.pipeline',
    (now) => pipelineRows(store.state, now),
    () => store.state.services.some((service) => isLive(service) || service.runs.some(({ outcome }) => !isFinished(outcome))),
    () => pipelineMessage(store.state),
    () => {
      manualApprovals.update();
      watchCi();
    },
  );
  const isPipelineVisible = (): boolean => pipeline.visible;
  const manualApprovals = new ManualApprovals(store, isPipelineVisible);
  const hostTokens = new HostTokens(context.secrets);
  const ciTokens = new CiTokens(hostTokens);
  const ciWatch = new CiWatch(cli, ciTokens);
  const ciRecords = new CiRecords(store);
  const watchCi = (): void => {
    if (vscode.workspace.isTrusted) ciWatch.update(isPipelineVisible(), store.state.services);
  };
  const restartCiWatch = (): void => {
    if (vscode.workspace.isTrusted) ciWatch.restart(isPipelineVisible(), store.state.services);
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
  const keys = new ContextKeys();
  const reveal = async (target: CommandTarget): Promise<void> => {
    const key = target.service ?? choice.shown()?.key;
    if (key !== undefined) await pipeline.reveal(key);
  };
  const revealStarted = async (target: CommandTarget): Promise<void> => {
    const when = vscode.workspace.getConfiguration('deliver').get<'never' | 'ifHidden' | 'always'>('reveal', 'never');
    if (when === 'always') await vscode.commands.executeCommand('deliver.pipeline.focus');
    // In a visible view, the service only expands.
    if (when !== 'never' || isPipelineVisible()) await reveal(target);
  };

  const notifications = new DeliveryNotifications(
    isPipelineVisible,
    (text) => output.print(text),
    () => output.reveal(),
  );
  const secrets = new SecretStore(context.secrets);
  const environmentLogs = new EnvironmentLogStream(cli, context.logUri.fsPath, () => store.state.services[0]?.root ?? os.homedir());
  const logs = new Logs(choice, documents, output, store, environmentLogs);
  const committed = new CommittedDocuments(store, places);
  const feedback = new CustomerFeedback({ context, store, repositories, places, documents: committed, tokens: hostTokens });
  const environmentActions = new EnvironmentActions(cli, store, notifications, ciTokens, (service, since) =>
    feedback.countSince(service, since),
  );
  const failures = new FailureNavigation(store, places, async (target) => logs.open(target));
  const deliveries = new Deliveries({ cli, store, choice, secrets, tokens: ciTokens, notifications, reveal: revealStarted });
  const autoDelivery = new AutoDelivery(store, deliveries, secrets, notifications);
  const ci = new CiActions({ cli, choice, deliveries, notifications, tokens: ciTokens, onSignIn: restartCiWatch });
  const metrics = new DeliveryMetrics({ cli, choice, notifications, tokens: ciTokens });
  const commands = registerCommands({
    deliveries,
    ci,
    environments: environmentActions,
    logs,
    metrics,
    failures,
    manualApprovals,
    feedback: feedback.actions,
    suspects: new Suspects(failures, places, committed),
    serviceOf: ({ fsPath }) => (store.serviceOf(fsPath) ?? store.onlyServiceIn(fsPath))?.key,
    reveal,
    showOutput: () => output.reveal(),
    setUp: () => setUp(cli, notifications),
    openSample: () => openSample(lazySample(context.asAbsolutePath('media'))),
    openDocumentation: ({ text }) => openDocumentation(vscode.Uri.joinPath(context.extensionUri, 'media/docs'), text),
    setSecret: async (target) => {
      const service = await choice.choose(target, 'Set Secret');
      if (service) await secrets.set(service);
    },
    revealStep: async (target) => {
      const service = await choice.choose(target, 'Go to Step');
      if (service) await revealStep(service, target);
    },
  });

  store.changed.listen(() => {
    const { services, readiness } = store.state;
    keys.update({ situation: readiness, hasService: services.length > 0, hasEnvironment: store.state.environments.length > 0 });
    output.update(services);
    pipeline.update();
    const failed = services.filter((service) => currentRun(service)?.outcome === 'failed').length;
    pipeline.showBadge(failed, counted(failed, 'failed delivery', 'failed deliveries'));
    environments.update();
    statusBar.update();
    ciRecords.update(services);
    if (!vscode.workspace.isTrusted) return;
    watchCi();
    places.update(services.flatMap(failuresOf));
    feedback.update(services);
    autoDelivery.update(services);
    notifications.update(services);
    manualApprovals.update();
  });
  places.changed.listen(() => problems.update(store.state.services.flatMap(failuresOf)));
  const diagnostics = new DefinitionDiagnostics((file, definitionErrors) => {
    const service = store.state.services.find(({ key }) => key === file);
    if (service) store.annotate(service, { definitionErrors });
  });
  const definitions = new Definitions(
    (files, folders) => {
      store.setDefinitions(files, folders);
      void diagnostics.update(files);
    },
    () => store.state.readiness === 'ready',
  );
  context.subscriptions.push(
    ...[
      store,
      pipeline,
      environments,
      environmentLogs,
      ciWatch,
      ciRecords,
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
      autoDelivery,
      manualApprovals,
      commands,
      definitions,
    ],
    hostTokens.onDidChange(restartCiWatch),
    vscode.workspace.onDidGrantWorkspaceTrust(() => store.trust()),
    vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      store.fileSaved(uri.fsPath);
      // The definition may contain another CI service now.
      if (store.state.services.some(({ file }) => file === uri.fsPath)) restartCiWatch();
    }),
    vscode.window.onDidChangeActiveTextEditor(() => statusBar.update()),
  );
  void definitions.find();
  return {
    activationMs: performance.now() - startedAt,
    pipelineText: () => pipeline.asText(),
    environmentsText: () => environments.asText(),
    changesText: () => feedback.asText(),
    statusText: () => status()?.text ?? '',
    outputText: () => output.asText(),
  };
}
