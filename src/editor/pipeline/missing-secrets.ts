import * as vscode from 'vscode';
import type { SecretStore } from '../app/secrets';
import type { Service } from '../app/state';

/** Offers to set the secrets that a delivery without a question lacks: once, not for every commit. */
export class MissingSecrets {
  /** By the service's key: what was offered. */
  private readonly offered = new Map<string, string>();

  constructor(private readonly secrets: SecretStore) {}

  /** What is lacking, as in `the secret NPM_TOKEN is not set`; undefined where nothing is. */
  async of(service: Service): Promise<string | undefined> {
    const { missing } = await this.secrets.known(service);
    if (missing.length === 0) {
      this.offered.delete(service.key);
      return undefined;
    }
    const words = missing.length === 1 ? `the secret ${missing[0]} is not set` : `the secrets ${missing.join(', ')} are not set`;
    if (this.offered.get(service.key) !== words) void this.offer(service, words);
    return words;
  }

  private async offer(service: Service, words: string): Promise<void> {
    this.offered.set(service.key, words);
    const set = 'Set Secret';
    const answer = await vscode.window.showWarningMessage(`${service.name} is not delivered by itself: ${words}.`, set);
    // What is set is told to all windows, and what waits goes on.
    if (answer === set) await this.secrets.askForMissing(service);
  }
}
