import { describe, expect, it } from 'vitest';
import { expectDocument, markdownTable } from '../support/kept-document.ts';
import { DIFFERENCES } from './golden-differences.ts';
import {
  GOLDEN_SCENARIOS,
  RECORDED_IMAGE,
  readRecording,
  refusedTasks,
  TEST_MADE,
} from './golden-recording.ts';
import { VARYING, wireOf } from './golden-wire.ts';

const recordings = GOLDEN_SCENARIOS.map(readRecording);

/** docs/golden-differences.md. */
function differencesDocument(): string {
  const refused = recordings.flatMap((recording) =>
    refusedTasks(recording).map(({ arn, containers, fields }) => [
      recording.name,
      `\`${arn.slice(-8)}\` (${containers.join(', ')})`,
      fields.map((field) => `\`${field}\``).join(', '),
    ]),
  );
  return `# Differences from the Amazon ECS agent on the wire

\`test/e2e/golden.test.ts\` runs the agent through ${recordings.length} recorded scenarios of the Amazon ECS agent 1.105.1
(\`test/golden/\`: ${GOLDEN_SCENARIOS.join(', ')}) and compares every message that it sends: metadata look-ups,
registration, both upgrades with query and headers, acks, the first metrics message, all state changes, and how the
connections end. Members, JSON types, values and order have to be the same, but for what is listed here. This page is
made from the tables of that test.

## Intended differences

${markdownTable(
  ['kind', 'where', 'Amazon ECS agent', 'this agent', 'why'],
  DIFFERENCES.map(({ kind, where, theirs, ours, why }) => [kind, where, theirs, ours, why]),
)}

A difference of any other kind is a fault, or has a decision record in \`docs/adr/\`.

## Changed by the test

${TEST_MADE.map((text) => `- ${text}`).join('\n')}

## What varies from run to run

Two runs of the same agent differ in these too; they are compared by their form alone.

${VARYING.map((text) => `- ${text}`).join('\n')}

## Recorded tasks that are refused today

They ask for what is not implemented yet. Each is reported STOPPED once, without \`containers\` and
\`executionStoppedAt\`, with a reason that names the fields.

${markdownTable(['recording', 'task (containers)', 'fields'], refused)}
`;
}

describe('the table of intended differences', () => {
  it('has no row without an effect on the recordings', () => {
    const lines = recordings.flatMap(({ lines }) =>
      lines.filter(({ dir }) => dir === 'in').map((line) => wireOf(line, RECORDED_IMAGE)),
    );
    for (const { where, theirs, expected } of DIFFERENCES) {
      const changed = lines.some((line) => JSON.stringify(expected(line)) !== JSON.stringify(line));
      expect([where, theirs, changed]).toEqual([where, theirs, true]);
    }
  });

  it('is what docs/golden-differences.md says', () => {
    expectDocument('golden-differences.md', differencesDocument());
  });
});
