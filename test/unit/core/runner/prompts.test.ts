import assert from 'node:assert/strict';
import { promptReason } from '../../../../src/core/runner/failure-reason';

/** The last words of the real programs, called without a terminal. */
const told: Record<string, [output: string, asked: string]> = {
  'git over https': [
    "Cloning into 'x'...\nfatal: could not read Username for 'https://example.com': No such device or address\n",
    'git asked for the user name for https://example.com',
  ],
  'git without prompts': [
    "fatal: could not read Password for 'https://ada@example.com': terminal prompts disabled\n",
    'git asked for the password for https://example.com',
  ],
  sudo: [
    'sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\nsudo: a password is required\n',
    'sudo asked for a password',
  ],
  'git over ssh': [
    'Host key verification failed.\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n',
    'ssh asked whether to trust an unknown host',
  ],
  ssh: [
    'Permission denied, please try again.\r\nroot@127.0.0.1: Permission denied (publickey,password,keyboard-interactive).\r\n',
    'ssh was let in by no key and asked for a password',
  ],
  'docker run': ['the input device is not a TTY\n', 'docker needs a terminal'],
  'docker login': ['Error: Cannot perform an interactive login from a non TTY device\n', 'docker login asked for a password'],
  gh: ['gh: To use GitHub CLI in automation, set the GH_TOKEN environment variable.\n', 'gh asked to be logged in'],
  gcloud: [
    'ERROR: (gcloud.projects.list) You do not currently have an active account selected.\nPlease run:\n\n  $ gcloud auth login\n\nto obtain new credentials.\n\nIf you have already logged in with a different account, run:\n\n  $ gcloud config set account ACCOUNT\n\nto select an already authenticated account to use.\n',
    'gcloud asked to be logged in',
  ],
  gpg: [
    "gpg: problem with the agent: Inappropriate ioctl for device\ngpg: error creating passphrase: Operation cancelled\ngpg: symmetric encryption of 'a' failed: Operation cancelled\n",
    'gpg asked for a passphrase',
  ],
  'npm init': ['Press ^C at any time to quit.\npackage name: (p) ', 'npm init asked what the package is'],
  'npm login': ['npm notice Log in on http://127.0.0.1:9/\nUsername: ', 'npm login asked who you are'],
  'Python’s input': [
    'Name? Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nEOFError: EOF when reading a line\n',
    'a Python program asked for a line of input',
  ],
  inquirer: [
    'ExitPromptError: User force closed the prompt with 0 null\n    at file:///x/create-prompt.js:108:30\n\nNode.js v20.20.2\n',
    'a program asked a question',
  ],
  'Node’s readline': [
    "Error [ERR_USE_AFTER_CLOSE]: readline was closed\n    at [kQuestion] (node:internal/readline/interface:400:13) {\n  code: 'ERR_USE_AFTER_CLOSE'\n}\n\nNode.js v20.20.2\n",
    'a Node program asked for a line of input',
  ],
};

describe('a step that asked a person', () => {
  for (const [name, [output, asked]] of Object.entries(told)) {
    it(`is told as one: ${name}`, () =>
      assert.ok(promptReason(`working\n${output}`)?.startsWith(`${asked}, and a delivery has no terminal to answer from: `)));
  }

  for (const other of [
    'root@127.0.0.1: Permission denied (publickey).\n',
    'Host key for example.com has changed and you have requested strict checking.\r\nHost key verification failed.\r\n',
    'ExitPromptError: User force closed the prompt with SIGINT\n',
    'EOFError\n',
    'E   EOFError: EOF when reading a line, as expected\n',
    `the input device is not a TTY\n${'then it went on\n'.repeat(20)}`,
    'Name: ',
    '',
  ])
    it(`is not one whose end says otherwise: ${JSON.stringify(other.slice(0, 60))}`, () => assert.equal(promptReason(other), undefined));
});
