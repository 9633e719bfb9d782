import { AGENT_HASH, AGENT_NAME, AGENT_VERSION } from '../../../src/agent-version.ts';
import { markdownTable } from '../../support/kept-document.ts';

export interface EndpointAnswer {
  readonly status: number | undefined;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** One answer that is meant to be another than the recorded one. */
export interface IntendedAnswer {
  /** Path and query as recorded. */
  readonly path: string;
  readonly theirs: string;
  readonly ours: string;
  readonly why: string;
  expected(theirs: EndpointAnswer): EndpointAnswer;
}

const VERSION = `${AGENT_NAME} - v${AGENT_VERSION} (${AGENT_HASH})`;

/** Every answer that differs; all others have to be the same. */
export const INTENDED: readonly IntendedAnswer[] = [
  {
    path: '/v1/metadata',
    theirs: '`"Version":"Amazon ECS Agent - v1.105.1 (*a8b3e7d3)"`',
    ours: `\`"Version":"${VERSION}"\``,
    why: 'each agent says what it is, in the same form',
    expected: (theirs) => ({ ...theirs, body: { ...Object(theirs.body), Version: VERSION } }),
  },
  {
    path: '/license',
    theirs: 'status 500 without a body: its licence was not in the working directory',
    ours: 'status 200 with the licence, which lies beside the programs',
    why: 'the text belongs there; 500 remains the answer where the file is missing',
    expected: (theirs) => ({ ...theirs, status: 200, body: 'the licence' }),
  },
];

/** What the comparison takes for the same though it is not, byte for byte. */
const ALIKE: readonly (readonly [member: string, theirs: string, ours: string, why: string])[] = [
  [
    '`DockerId`, keys of the task statistics, `id`',
    '64 random hex digits of Docker',
    '64 hex digits derived from task, container and generation',
    'what a step makes is found again after a crash; programs cut it to 12 digits all the same',
  ],
  ['`DockerName`, `name`', '20 random hex digits at the end', '20 derived ones', 'as the id'],
  [
    'the id in paths',
    'a random UUID of version 4',
    'one derived from task, container and a secret of the instance',
    'it outlives a crash, and no task can work out that of another',
  ],
  [
    '`CreatedAt`, `StartedAt`, `FinishedAt`, `statusSince`, `read`, `preread`',
    'nanoseconds',
    'milliseconds',
    'times are kept as such; the form is the same',
  ],
  [
    '`Volumes`',
    'every mount that Docker has, image volumes too',
    'what the task definition mounts',
    'volumes that only an image asks for have names that mean nothing to a program',
  ],
  [
    '`Ports` of awsvpc tasks',
    'bindings that the runtime knows of',
    'those of the task definition',
    'a port of a container is a port of the ENI, published or not (TMDS-26)',
  ],
  [
    'order of `Containers`',
    'any',
    'that of the task definition',
    'it is unordered there, and nobody can rely on it',
  ],
];

/** docs/golden-endpoints.md */
export function endpointsDocument(): string {
  return `# Differences from the Amazon ECS agent at its endpoints

\`test/unit/metadata/golden.test.ts\` asks for every path that was recorded of the Amazon ECS agent 1.105.1
(\`test/golden/13-tmds.jsonl\`: metadata and statistics of tasks; \`14-introspection.jsonl\`: introspection), about the same
task in the same state, and compares status, content type, members, their order, their types and their values. What is
not listed here has to be the same. Statistics are compared with those that come out when the kernel's files say what
they said then. This page is made from the tables of that test.

## Answers that differ

${markdownTable(
  ['path', 'Amazon ECS agent', 'this agent', 'why'],
  INTENDED.map(({ path, theirs, ours, why }) => [`\`${path}\``, theirs, ours, why]),
)}

## Values that differ in every run

${markdownTable(
  ['member', 'Amazon ECS agent', 'this agent', 'why'],
  ALIKE.map((row) => [...row]),
)}

## What this agent has besides

Introspection also answers \`/v1/agent\`, \`/v1/tasks/ID/timeline\`, \`/metrics\`, \`/healthz\` and \`/readyz\`
([introspection.md](introspection.md)); there these paths give the list of commands.
`;
}
