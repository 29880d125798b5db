import * as fs from 'node:fs';
import * as path from 'node:path';
import { definitionName } from '../core/model/pipeline';
import { messageOf } from '../core/model/result';
import { detectPipeline, type ServiceFolder } from '../core/pipeline/detect/detect';
import { named, offeredServices, rootOf } from '../core/pipeline/detect/services';
import { counted } from '../core/support/format';
import { findProgram, pathOf, programsOf, versionProblem, wantedVersions } from '../core/process/tools';
import { exitCodes, type Terminal } from './terminal';

export interface InitOptions {
  readonly list?: true;
  readonly json?: true;
}

/**
 * `deliver init`: writes a first definition into this folder, into each service below it, or into the given folders. Never overwrites
 * one. With `list`, it writes none.
 */
export async function init(folders: readonly string[], options: InitOptions, terminal: Terminal): Promise<number> {
  const cwd = process.cwd();
  const place = (folder: string): string => path.relative(cwd, folder).split(path.sep).join('/') || '.';
  const existing = [...(folders.length > 0 ? folders : ['.'])].map((folder) => path.join(cwd, folder)).find((folder) => fs.existsSync(path.join(folder, definitionName))); // prettier-ignore
  if (existing !== undefined && !options.list) {
    const message = `${path.posix.join(place(existing), definitionName)} already exists`;
    return terminal.fail({ kind: 'usage', message, hint: 'deliver check validates it' });
  }
  const missing = folders.find((folder) => !fs.statSync(path.resolve(folder), { throwIfNoEntry: false })?.isDirectory());
  if (missing !== undefined) return terminal.fail({ kind: 'usage', message: `there is no folder ${missing}` });
  const services = folders.length > 0 ? await named(folders.map((folder) => path.resolve(folder)), rootOf(cwd)) : await offeredServices(cwd); // prettier-ignore
  if (options.list) {
    if (options.json) terminal.json(services.map(({ folder, name }) => ({ folder, service: name })));
    else for (const { folder, name } of services) terminal.print(`${place(folder)}: ${name}`);
    return 0;
  }
  const results = [];
  for (const service of services) {
    const detected = await detectPipeline(service);
    if (!detected.ok) return terminal.fail(detected.failure);
    const { yaml, composeFile, found, commands, questions, left } = detected.value;
    const missing = await missingPrograms(service, commands);
    const file = path.join(service.folder, definitionName);
    try {
      if (composeFile !== undefined) fs.writeFileSync(path.join(service.folder, 'compose.yaml'), composeFile, { flag: 'wx' });
      fs.writeFileSync(file, yaml, { flag: 'wx' });
    } catch (error) {
      terminal.warn(`${definitionName} could not be written: ${messageOf(error)}`);
      return exitCodes.machinery;
    }
    results.push({ service: service.name, file, found, questions, missing, left });
    if (options.json) continue;
    const also = composeFile === undefined ? '' : ' and compose.yaml';
    terminal.print(`wrote ${path.posix.join(place(service.folder), definitionName)}${also} from ${found.join(', ')}`);
    for (const question of questions) terminal.print(`${terminal.paint('yellow', 'question')}: ${question}`);
    for (const problem of missing) terminal.print(`${terminal.paint('yellow', 'missing')}: ${problem}`);
    for (const file of new Set(left.map((one) => one.file))) {
      const parts = left.filter((one) => one.file === file).length;
      terminal.print(`${terminal.paint('dim', 'not used')}: ${counted(parts, 'part')} of ${file}, listed in ${definitionName}`);
    }
  }
  if (options.json) terminal.json({ ...results[0], services: results });
  else terminal.print(results.length > 1 ? 'deliver run --service NAME delivers one of them' : 'deliver run delivers it');
  return 0;
}

/** Returns a sentence for each program that the commands need and that this machine lacks or has in another version. */
async function missingPrograms({ folder, root }: ServiceFolder, commands: readonly string[]): Promise<string[]> {
  const searched = pathOf(process.env);
  const absent = [...new Set(commands.flatMap(programsOf))].filter((name) => findProgram(name, searched) === undefined);
  const versions = await Promise.all(wantedVersions(folder, root).map((wanted) => versionProblem(wanted, folder, process.env)));
  return [...absent.map((name) => `${name} is not installed here`), ...versions.filter((problem) => problem !== undefined)];
}
