import * as fs from 'node:fs';
import * as path from 'node:path';
import { Project } from '../support/project';
import { cli, inFolder, inTurn, ms, type Row } from './measure';

/** Lines as services, test runners and package managers print them: 80 bytes each, with words that tools fail with. */
const ordinary = [
  '2026-11-23T12:03:04.123Z INFO  request handled method=GET path=/api/items/42 status=200',
  '  ✔ adds an item to the cart and keeps its price (12ms), error rate 0 of 100 tries',
  'downloaded https://example.com/pkg/-/pkg-1.2.3.tgz in 35ms (cache miss) at 12:03:04',
  '{"level":"info","time":1732363384123,"msg":"served","url":"/healthz","ms":0.4}',
  'copied src/components/Cart/Item.tsx -> dist/components/Cart/Item.js (3.4 kB)',
].map((line) => Buffer.from(line.padEnd(79)).subarray(0, 79).toString());

/** Searching 100 MB of ordinary output with all built-in matchers, against printing it without a search. */
export async function searchForProblems(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const text = path.join(folder, 'ordinary.txt');
    fs.writeFileSync(text, `${ordinary.join('\n')}\n`.repeat(2500));
    const print = `node -e "const b=require('fs').readFileSync('${text}');let n=100;const w=()=>{while(n-->0)if(!process.stdout.write(b))return process.stdout.once('drain',w)};w()"`;
    const silent = new Project(folder, 'silent').steps({ print: { run: `${print}; exit 1`, problems: [] } }).commit();
    const searched = new Project(folder, 'searched').steps({ print: `${print}; exit 1` }).commit();
    // The whole log is searched because the step fails; the search is not measured.
    const run = ['/bin/sh', '-c', `"${process.execPath}" "${cli}" run; test $? = 1`];
    const env = { DELIVER_HOME: path.join(folder, 'home') };
    const times = await inTurn(
      [
        { name: 'printed', command: run, folder: silent.root, env },
        { name: 'printed and searched', command: run, folder: searched.root, env },
      ],
      5,
    );
    const [printed = NaN, both = NaN] = [times.get('printed'), times.get('printed and searched')];
    const detail = [...times].map(([name, seconds]) => `${name} ${ms(seconds)}`).join(', ');
    return [
      { what: 'all matchers over 100 MB, against printing it', value: (both - printed) / printed, bound: { most: 2, unit: '×' }, detail },
    ];
  });
}
