import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../core/model/result';
import { detectPipeline } from '../core/pipeline/detect/detect';
import { leftOver } from '../core/pipeline/detect/adopt/adopted';
import { definitionName } from '../core/model/pipeline';
import { exitCodes, type Terminal } from './terminal';

/** `deliver init`: writes a first definition into this folder. Never overwrites one. */
export async function init(options: { readonly json?: true }, terminal: Terminal): Promise<number> {
  const folder = process.cwd();
  const file = path.join(folder, definitionName);
  if (fs.existsSync(file))
    return terminal.fail({ kind: 'usage', message: `${definitionName} already exists`, hint: 'deliver check validates it' });
  const detected = await detectPipeline(folder);
  if (!detected.ok) return terminal.fail(detected.failure);
  try {
    fs.writeFileSync(file, detected.value.yaml, { flag: 'wx' });
  } catch (error) {
    terminal.warn(`${definitionName} could not be written: ${messageOf(error)}`);
    return exitCodes.machinery;
  }
  const { found, left } = detected.value;
  if (options.json) {
    terminal.json({ file, found, left });
    return 0;
  }
  terminal.print(`wrote ${definitionName} from ${found.join(', ')}; deliver run delivers it`);
  for (const one of left) terminal.print(`${terminal.paint('yellow', 'not taken over')}: ${leftOver(one)}`);
  return 0;
}
