import * as fs from 'node:fs';
import * as path from 'node:path';
import { installServer } from '../editor/host/install';
import { runSuite } from '../editor/host/suite';
import { Project } from '../support/project';
import { flood } from './flood';
import { inFolder, type Row } from './measure';

/** The measurements of the extension host, in milliseconds. */
export interface EditorFigures {
  readonly activation: number;
  readonly longestBlock: number;
  /** While a step with 1,000 problems runs and ends, until all are shown. */
  readonly longestByProblems: number;
  readonly firstLine: number;
}

const printing = `node -p '"first line " + Date.now()' && ${flood}`;

/** As many problems as the Problems panel is given. */
const warnings = `node -e "for(let i=1;i<=1000;i++)console.log('a.c:'+i+':5: warning: unused '+i)"`;

/** The same 100 MB while a real window shows them, and the activation of the extension there. */
export async function floodInTheEditor(): Promise<Row[]> {
  await installServer((line) => console.log(line));
  return inFolder(async (folder) => {
    const report = path.join(folder, 'figures.json');
    const measured = await runSuite(
      undefined,
      { DELIVER_BENCH_REPORT: report, DELIVER_BENCH_FLOOD: JSON.stringify({ service: 'shop', steps: { flood: { run: printing } } }) },
      {
        source: path.join(__dirname, 'editor-suite'),
        prepare: (workspace) => {
          new Project(path.dirname(workspace), path.basename(workspace))
            .write('a.c', 'int x;\n'.repeat(1000))
            .steps({ flood: warnings })
            .commit();
          return undefined;
        },
      },
    );
    if (!measured) throw new Error('the extension host measured nothing');
    const figures = JSON.parse(fs.readFileSync(report, 'utf8')) as EditorFigures;
    const ms = (what: string, value: number, most: number): Row => ({ what, value, bound: { most, unit: ' ms' }, detail: '' });
    return [
      ms('activation in the real VS Code', figures.activation, 50),
      ms('the longest time the extension host was blocked by 100 MB', figures.longestBlock, 100),
      ms('and by 1,000 problems', figures.longestByProblems, 50),
      ms('from the first line written to the first line visible', figures.firstLine, 200),
    ];
  });
}
