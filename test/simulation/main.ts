import { parseArgs } from 'node:util';
import { testSeed } from '../support/sample.ts';
import { PLANTED_BUGS, SOUND_RULES } from './planted-bugs.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const USAGE = `npm run simulate -- [--histories N] [--seed S] [--only] [--bug TEXT]

  --histories N  how many random histories of a task (100000)
  --seed S       seed of the first; the next have S+1, S+2, …
  --only         tells the one history of the seed, shrunk if it fails
  --bug TEXT     with --only: on an engine with the planted bug whose name contains TEXT
`;

/** Runs random histories of the task engine; gives the exit code. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      only: { type: 'boolean', default: false },
      bug: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const histories = Number(values.histories);
  const seed = values.seed === undefined ? testSeed() : Number(values.seed);
  if (values.help || !Number.isInteger(histories) || !Number.isInteger(seed)) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  if (values.only) return tell(seed, values.bug);
  console.log(`${histories} histories from seed ${seed}`);
  const began = performance.now();
  const result = await simulate({ seed, histories }, (done) => {
    if (done % 100_000 === 0) console.log(`${done} done`);
  });
  const { medianEvents, medianContainers, failedSeeds } = result;
  console.log(
    `${result.histories} histories in ${Math.round((performance.now() - began) / 1000)} s; ` +
      `the median one has ${medianEvents} events and ${medianContainers} containers; ` +
      `${failedSeeds.length} failed`,
  );
  const [first] = failedSeeds;
  if (first === undefined) return 0;
  console.log(`failed seeds: ${failedSeeds.join(' ')}`);
  return tell(first);
}

function tell(seed: number, bug?: string): number {
  const named = Object.entries(PLANTED_BUGS).find(([name]) => bug !== undefined && name.includes(bug));
  if (bug !== undefined && named === undefined) {
    console.error(`no planted bug is called "${bug}"; there are:\n${Object.keys(PLANTED_BUGS).join('\n')}`);
    return 2;
  }
  const { violation, choices, trace } = shrink(seed, named?.[1] ?? SOUND_RULES);
  console.log(`seed ${seed}, shrunk to ${choices.length} choices:\n${trace.join('\n')}`);
  if (violation === undefined) return 0;
  console.log(`BROKEN: ${violation.message}`);
  return 1;
}

process.exitCode = await main();
