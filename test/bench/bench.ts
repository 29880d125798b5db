import { floodInTheEditor } from './editor';
import { composeByHand } from './compose';
import { recentChangesOfLongHistory } from './changes';
import { placesOfFeedback } from './feedback';
import { floods } from './flood';
import { hundredSteps, unchangedSteps } from './graph';
import { searchForProblems } from './problems';
import { bundleSizes } from './size';
import { snapshotOfManyFiles } from './snapshot';
import { switchUnderLoad } from './switch';
import type { Row } from './measure';

/**
 * `npm run bench [NAME …]`: every figure is a ratio of medians from this one run on this machine, so
 * that a slow or noisy machine slows both sides. Nothing fails here; a missed bound is printed as missed.
 */
const parts: Record<string, () => Promise<Row[]>> = {
  graph: hundredSteps,
  unchanged: unchangedSteps,
  flood: floods,
  problems: searchForProblems,
  changes: recentChangesOfLongHistory,
  feedback: placesOfFeedback,
  switch: switchUnderLoad,
  compose: composeByHand,
  editor: floodInTheEditor,
  snapshot: snapshotOfManyFiles,
  size: bundleSizes,
};

async function main(): Promise<void> {
  const named = process.argv.slice(2);
  for (const [name, part] of Object.entries(parts)) {
    if (named.length > 0 && !named.includes(name)) continue;
    for (const { what, value, bound, detail } of await part()) {
      const verdict = value <= bound.most ? 'within' : 'MISSED';
      console.log(`${verdict}  ${what}: ${value.toFixed(2)}${bound.unit} (bound ${bound.most}${bound.unit})  ${detail}`);
    }
  }
}

void main();
