import * as path from 'node:path';

/** The root of the project. */
export const project = path.resolve(__dirname, '../../..');

/** Contains everything that the tests install or build. Git ignores the folder, and it can be removed at any time. */
export const cache = path.join(project, '.vscode-test');

export const screenshots = path.join(project, 'screenshots');

export const serverVersion = '1.139.1';

const packages = path.join(cache, `vscode-server-${serverVersion}`);

/** The VS Code server from npm. */
export const server = {
  folder: packages,
  product: path.join(packages, 'node_modules/code-server/lib/vscode'),
  node: path.join(packages, `node_modules/node-linux-${process.arch}`),
  chromium: path.join(packages, 'node_modules/@sparticuz/chromium/bin'),
};

/** The unpacked Chromium, for machines without a browser. */
export const chromium = path.join(cache, 'chromium-147.0.0');
