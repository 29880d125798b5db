import * as path from 'node:path';
import * as vscode from 'vscode';
import { Cli } from './editor/cli';
import { registerCommands } from './editor/commands';
import { Definitions } from './editor/definitions';
import { Deliveries } from './editor/deliveries';
import { environmentRows } from './editor/environment-rows';
import type { Subject } from './editor/row';
import { RowView } from './editor/row-view';
import { pipelineRows } from './editor/run-rows';
import { ServiceChoice } from './editor/service-choice';
import { isLive } from './editor/state';
import { StatusBar } from './editor/status-bar';
import { statusText } from './editor/status-text';
import { Store } from './editor/store';

/** Builds the parts, hands them to each other and registers their disposal. */
export function activate(context: vscode.ExtensionContext) {
  const began = performance.now();
  const store = new Store(vscode.workspace.isTrusted);
  const choice = new ServiceChoice(store);
  const anyLive = (): boolean => store.state.services.some(isLive);
  const pipeline = new RowView('deliver.pipeline', (now) => pipelineRows(store.state.services, now), anyLive);
  const environments = new RowView(
    'deliver.environments',
    (now) => environmentRows(store.state.environments, now),
    () => false,
  );
  const shownService = () => choice.guess() ?? store.state.services.find(isLive) ?? store.state.services[0];
  const status = () => {
    const service = shownService();
    return service && statusText(service, store.state.services.length > 1, Date.now());
  };
  const statusBar = new StatusBar(status);
  const reveal = async (subject: Subject): Promise<void> => {
    const key = subject.service ?? shownService()?.key;
    if (key !== undefined) await pipeline.reveal(key);
  };
  const cli = new Cli(context.asAbsolutePath(path.join('dist', 'cli.js')), context.logUri.fsPath);
  const deliveries = new Deliveries(cli, store, choice, reveal);
  const definitions = new Definitions((files, folders) => store.show(files, folders));
  store.changes.listen(() => {
    pipeline.update();
    environments.update();
    statusBar.update();
    void vscode.commands.executeCommand('setContext', 'deliver.situation', store.state.situation);
    void vscode.commands.executeCommand('setContext', 'deliver.hasService', store.state.services.length > 0);
  });
  context.subscriptions.push(store, pipeline, environments, statusBar, definitions, registerCommands({ deliveries, reveal }));
  void definitions.find();
  return {
    activationMs: performance.now() - began,
    pipelineText: () => pipeline.asText(),
    environmentsText: () => environments.asText(),
    statusText: () => status()?.text ?? '',
  };
}
