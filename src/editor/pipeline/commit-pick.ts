import * as vscode from 'vscode';
import { git } from '../../core/git/git';
import type { Service } from '../app/state';
import { age, joined } from '../app/format';

const maxCommits = 100;

interface CommitItem extends vscode.QuickPickItem {
  readonly commit: string;
}

/** One of the recent commits that touch the service, or any revision that is typed. */
export async function pickCommit(service: Service): Promise<string | undefined> {
  const format = { commit: '%H', subject: '%s', author: '%an', date: '%cI' };
  const log = await git({ folder: service.folder }, (client) =>
    client.log({ format, maxCount: maxCommits, ...{ '--no-show-signature': null, '.': null } }),
  );
  if (!log.ok) {
    void vscode.window.showErrorMessage(log.failure.message);
    return undefined;
  }
  const recent = log.value.all.map(itemOf);
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

function itemOf({ commit, subject, author, date }: Record<'commit' | 'subject' | 'author' | 'date', string>): CommitItem {
  return {
    label: subject,
    description: joined([commit.slice(0, 7), author, age(date, Date.now())]),
    commit,
    iconPath: new vscode.ThemeIcon('git-commit'),
  };
}
