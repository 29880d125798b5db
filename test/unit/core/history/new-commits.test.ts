import assert from 'node:assert/strict';
import { acknowledged, applyMove, type HeadHistory } from '../../../../src/core/history/new-commits';
import { refMove } from '../../../../src/core/git/git-files';

const id = (letter: string): string => letter.repeat(40);

/** Applies moves such as `from to message`. An id is one letter, and `0` stands for none. */
function historyOf(...moves: string[]): HeadHistory {
  return moves.reduce((history: HeadHistory, text) => {
    const [from = '', to = '', ...message] = text.split(' ');
    const move = refMove(`${id(from)} ${id(to)} Ada <ada@example.com> 1795551773 +0000\t${message.join(' ')}`);
    return move ? applyMove(history, move) : history;
  }, {});
}

function made(...moves: string[]): string | undefined {
  const { commit, since } = historyOf(...moves).made ?? {};
  return commit && `${commit[0]} since ${since?.[0] ?? 'its parent'}`;
}

describe('a move of HEAD', () => {
  for (const message of ['commit: x', 'commit (merge): x', 'commit (cherry-pick): x', 'cherry-pick: x', 'revert: Revert "x"', 'am: x'])
    it(`makes a commit with the message '${message}'`, () => assert.equal(made(`a b ${message}`), 'b since a'));

  for (const message of [
    'checkout: moving from main to other',
    'reset: moving to HEAD~1',
    'pull: Fast-forward',
    "pull: Merge made by the 'ort' strategy.",
    'pull --rebase (finish): returning to refs/heads/main',
    'merge other: Fast-forward',
    'clone: from https://example.com/x',
    'Branch: renamed refs/heads/a to refs/heads/b',
    '',
  ])
    it(`makes no commit with the message '${message}'`, () => assert.equal(made(`a b ${message}`), undefined));

  it('adds to a commit since the first base', () => {
    assert.equal(made('0 a commit (initial): x'), 'a since its parent');
    assert.equal(made('a b commit: x', 'b c commit: y'), 'c since a');
    assert.equal(made('a b commit: x', 'b c checkout: moving', 'c d commit: y'), 'd since c');
    assert.equal(made('a b commit (amend): x'), 'b since its parent');
    assert.equal(made('a b commit: x', 'b c commit (amend): y'), 'c since a');
    assert.equal(made("a b merge other: Merge made by the 'ort' strategy."), 'b since a');
  });

  it('keeps a commit if it is a checkout or a stash, and undoes it if it is a reset', () => {
    assert.equal(made('a b commit: x', 'b a checkout: moving from main to other'), 'b since a');
    assert.equal(made('a b commit: x', 'b b reset: moving to HEAD'), 'b since a');
    assert.equal(made('a b commit: x', 'b a reset: moving to HEAD~1'), undefined);
  });

  it('makes a commit if it ends a rebase that has commits', () => {
    const rebase = ['a d rebase (start): checkout main', 'd e rebase (pick): x', 'e f rebase (pick): y'];
    assert.equal(made(...rebase), undefined);
    assert.equal(made(...rebase, 'f f rebase (finish): returning to refs/heads/mine'), 'f since d');
    assert.equal(made('a d rebase (start): checkout main', 'd d rebase (finish): returning to refs/heads/mine'), undefined);
    assert.equal(made('a d rebase -i (start): checkout main', 'd e commit: x', 'e a rebase (abort): returning'), undefined);
    assert.equal(made('a d rebase: checkout main', 'd e rebase: x', 'e e rebase finished: returning to refs/heads/mine'), 'e since d');
  });

  it('may belong to a rebase that began before the last acknowledged commit', () => {
    const begun = acknowledged(historyOf('a d rebase (start): checkout main', 'd e commit: x'));
    assert.deepEqual(begun, { head: id('e'), onto: id('d') });
  });
});
