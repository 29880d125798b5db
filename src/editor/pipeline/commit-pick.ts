import * as vscode from 'vscode';
import { git } from '../../core/git/git';
import type { Service } from '../app/state';
import { age, joined } from '../../core/support/format';

const mostCommits = 100;

interface CommitItem extends vscode.QuickPickItem {
  readonly commit: string;
}

/** One of the recent commits that touch the service, or any revision that is typed. */
export async function pickCommit(service: Service): Promise<string | undefined> {
  const log = await git(['log', `--max-count=${mostCommits}`, '--format=%H%x1f%h%x1f%s%x1f%an%x1f%cI', '--', '.'], {
    folder: service.folder,
  });
  if (!log.ok) {
    void vscode.window.showErrorMessage(log.failure.message);
    return undefined;
  }
  const recent = log.value
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => itemOf(line));
  const pick = vscode.window.createQuickPick<CommitItem>();
  pick.title = `Deliver a Commit of ${service.name}`;
  pick.placeholder = 'A commit, or type any revision: a hash, a tag, a branch';
  pick.matchOnDescription = true;
  pick.items = recent;
  pick.onDidChangeValue((value) => {
    const typed = value.trim();
    const known = recent.some((item) => item.label.includes(typed) || item.description?.includes(typed));
    pick.items =
      typed === '' || known ? recent : [...recent, { label: typed, description: 'this revision', commit: typed, alwaysShow: true }];
  });
  try {
    return await new Promise((resolve) => {
      pick.onDidAccept(() => resolve(pick.selectedItems[0]?.commit));
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    pick.dispose();
  }
}

function itemOf(line: string): CommitItem {
  const [commit = '', short = '', subject = '', author = '', date = ''] = line.split('\x1f');
  return {
    label: subject,
    description: joined([short, author, age(date, Date.now())]),
    commit,
    iconPath: new vscode.ThemeIcon('git-commit'),
  };
}
