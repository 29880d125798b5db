import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('the extension', () => {
  it('activates in the extension host', async () => {
    const extension = vscode.extensions.getExtension('deliver-dev.deliver');
    assert.ok(extension, 'VS Code has not loaded the extension');
    await extension.activate();
    assert.equal(extension.isActive, true);
  });
});
