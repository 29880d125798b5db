import * as vscode from 'vscode';
import type { Service } from '../app/state';

export const deliverOnSetting = 'deliver.deliverOn';

/** What begins a delivery of a service, besides a click. */
export function deliverOn(service: Service): 'click' | 'commit' | 'push' {
  const value = vscode.workspace.getConfiguration('deliver', vscode.Uri.file(service.folder)).get<string>('deliverOn');
  return value === 'commit' || value === 'push' ? value : 'click';
}
