import type * as vscode from 'vscode';
import type { Cli } from '../app/cli';
import { Divergences } from './divergences';
import { deploymentRows } from '../ci/ci-rows';
import { environmentRows } from './environment-rows';
import { EnvironmentWatch } from './environment-watch';
import { RowView } from '../tree/row-view';
import type { Store } from '../app/store';

/** The Environments view. What costs a process is done only while it is seen. */
export class EnvironmentsView implements vscode.Disposable {
  private readonly divergences = new Divergences(() => this.look());
  private readonly watch: EnvironmentWatch;
  private readonly view: RowView;

  constructor(
    cli: Cli,
    private readonly store: Store,
  ) {
    this.watch = new EnvironmentWatch(cli);
    this.view = new RowView(
      'deliver.environments',
      (now) => [
        ...environmentRows(store.state.environments, now, (environment, service) => this.divergences.of(environment, service)),
        ...deploymentRows(store.state.services, store.state.environments, now),
      ],
      () => false,
      () => undefined,
      () => this.look(),
    );
    this.divergences.changes.listen(() => this.view.update());
  }

  update(): void {
    this.view.update();
    this.look();
  }

  asText(): string {
    return this.view.asText();
  }

  dispose(): void {
    this.watch.dispose();
    this.divergences.rest();
    this.view.dispose();
  }

  private look(): void {
    const { services, environments, trusted } = this.store.state;
    const isSeen = trusted && this.view.visible;
    this.watch.update(isSeen, services, environments);
    if (isSeen) this.divergences.update(services, environments);
    else this.divergences.rest();
  }
}
