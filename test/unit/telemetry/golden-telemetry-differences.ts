import { markdownTable } from '../../support/kept-document.ts';

/** Every value that is meant to be another than the recorded one. */
const INTENDED: readonly (readonly [member: string, theirs: string, ours: string, why: string])[] = [
  [
    '`statuses[].lastUpdated`',
    'time of the check before the latest',
    'time of the latest check',
    'the member is to say how old the status is (tcs.md §10)',
  ],
];

/** What the comparison takes for the same though it is not, byte for byte. */
const ALIKE: readonly (readonly [member: string, theirs: string, ours: string, why: string])[] = [
  ['`messageId`, `requestId`', 'random UUIDs', 'random UUIDs', 'they tell cycles apart, one each'],
  [
    '`timestamp`',
    'time of the sending',
    'time of the cycle',
    'the same to the millisecond, but for cycles that waited for a connection (tcs.md §6.2)',
  ],
  [
    'sums of `cpuStatsSet` and rates',
    'added in binary floating point',
    'added in another order',
    'compared to nine digits',
  ],
  ['order of members and of tasks', 'any', 'any', 'JSON objects and lists of tasks have none that matters'],
];

/** docs/golden-telemetry.md */
export function telemetryDocument(): string {
  return `# Differences from the Amazon ECS agent in telemetry

\`test/unit/telemetry/golden.test.ts\` takes the agent's telemetry session through the recorded scenario
\`test/golden/20-telemetry.jsonl\` of the Amazon ECS agent 1.105.1: 100 s with tasks of bridge and host mode that are busy,
idle and stopped, and with heartbeats at the recorded times. What was measured then is given to it as samples. All
messages that it sends have to be the recorded ones: their types, the ticks they come on, every member, its JSON type and
its value, but for what is listed here. This page is made from the tables of that test.

## Intended differences

${markdownTable(
  ['member', 'Amazon ECS agent', 'this agent', 'why'],
  INTENDED.map((row) => [...row]),
)}

## Taken for the same

${markdownTable(
  ['member', 'Amazon ECS agent', 'this agent', 'why'],
  ALIKE.map((row) => [...row]),
)}
`;
}
