import * as path from 'node:path';

/** The project's own folder. */
export const project = path.resolve(__dirname, '../../..');

/** Everything the tests install or build lies here; git ignores it, and removing it is safe at any time. */
export const cache = path.join(project, '.vscode-test');

export const screenshots = path.join(project, 'screenshots');

export const serverVersion = '1.139.1';

const packages = path.join(cache, `vscode-server-${serverVersion}`);

/** The VS Code server as packages from npm. */
export const server = {
  folder: packages,
  product: path.join(packages, 'node_modules/code-server/lib/vscode'),
  node: path.join(packages, `node_modules/node-linux-${process.arch}`),
  chromium: path.join(packages, 'node_modules/@sparticuz/chromium/bin'),
};

/** The unpacked Chromium, used where no browser is installed. */
export const chromium = path.join(cache, 'chromium-147.0.0');
