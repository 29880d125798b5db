import * as assert from 'node:assert/strict';
import { Owners } from '../../../../src/core/feedback/owners';

describe('Owners', () => {
  const owners = new Owners(`# who looks after what
*           @acme/all
*.css       @acme/design   # also here
/src/cart/  @acme/cart ada@example.com
docs/*      @writer
/src/**/deep.ts @acme/deep
[Section][2] @acme/section
with\\ space.txt @acme/space
/src/cart/free.ts
`);

  it('applies the last rule that matches', () => {
    assert.ok(owners.owns('@acme/cart', 'src/cart/total/sum.ts'));
    assert.ok(!owners.owns('@acme/all', 'src/cart/total.ts'));
    assert.ok(owners.owns('@acme/all', 'src/search.ts'));
    assert.ok(owners.owns('@acme/design', 'src/page/style.css'));
    assert.ok(owners.owns('@acme/deep', 'src/a/b/deep.ts'));
    assert.ok(owners.owns('@acme/space', 'a/with space.txt'));
  });

  it('accepts the name of a team without its organization', () => assert.ok(owners.owns('Cart', 'src/cart/a.ts')));
  it('supports rules without owners', () => assert.ok(!owners.owns('cart', 'src/cart/free.ts')));

  it('does not apply `folder/*` to subfolders', () => {
    assert.ok(owners.owns('writer', 'docs/a.md'));
    assert.ok(!owners.owns('writer', 'docs/a/b.md'));
  });
});
