import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { unpackSample } from '../../../src/core/runner/sample';
import { project } from '../host/places';
import type { Window } from '../host/window';
import type { Session } from './session';

/** The unpacked sample: a repository with the services shop and inventory. */
export class Shop {
  private constructor(readonly folder: string) {}

  static async unpack(session: Session): Promise<Shop> {
    const unpacked = await unpackSample(path.join(session.folder, 'shop'), path.join(project, 'media'));
    assert.ok(unpacked.ok);
    const shop = new Shop(unpacked.value.folder);
    shop.git('config', 'user.name', 'Ada');
    shop.git('config', 'user.email', 'ada@example.com');
    return shop;
  }

  /** Returns a path in the service shop. */
  file(...names: string[]): string {
    return path.join(this.folder, 'shop', ...names);
  }

  /** Replaces text in a file without a commit. */
  change(file: string, from: string, to: string): void {
    const before = fs.readFileSync(file, 'utf8');
    assert.ok(before.includes(from), from);
    fs.writeFileSync(file, before.replace(from, to));
  }

  commit(subject: string): void {
    this.git('commit', '--quiet', '--all', '--message', subject);
  }

  /** Runs git outside the editor. */
  git(...args: string[]): string {
    return execFileSync('git', ['-c', 'commit.gpgsign=false', ...args], { cwd: this.folder, encoding: 'utf8' });
  }
}

/** Delivers a service from its row, and waits until the row starts with `end`. */
export async function deliver(window: Window, service: string, end: string): Promise<void> {
  await window.row('Pipeline', `Service ${service}`).click();
  await window.clickRowButton('Pipeline', `Service ${service}`, 'Deliver');
  await window.row('Pipeline', `Service ${service}, ${end}`).waitFor();
}
