import type { ContainerDefinition } from '@aws-sdk/client-ecs';

/** A kind of task, what it must come to whatever happens to its agent, and which steps its containers go through. */
export interface Shape {
  readonly name: string;
  /** Default: host. */
  readonly networkMode?: 'bridge' | 'awsvpc';
  /** Absent: the task has no secrets. */
  readonly executionRoleArn?: string;
  /** Its containers share PIDs and IPC, which one more container of the agent's own holds for them. */
  readonly sharesNamespaces?: true;
  /** A container of the agent's own holds its network namespace. */
  readonly holdsNetwork?: true;
  /** Containers in the order of the definition; `tally` is the file into which they write what they do. */
  define(tally: string): readonly ContainerDefinition[];
  /** Everything that the containers write: which of them started how often, and when. */
  readonly tally: readonly string[];
  /** Lines of different containers may come in any order. */
  readonly unordered?: true;
  /** Exit codes by container; absent: it never ran. */
  readonly exitCodes: Readonly<Record<string, number>>;
  /** ECS stops the task once this line has been written. */
  readonly stopAfter?: string;
  /** Containers whose images are pulled and that run. */
  readonly run: readonly string[];
  /** Containers that the agent stops. */
  readonly stopped: readonly string[];
  readonly probed: readonly string[];
  readonly restarted: readonly string[];
}

/** What tasks with secrets ask for, by the variable that gets it. */
export const SECRETS = {
  PARAMETER: { valueFrom: '/chaos', value: 'hush-parameter' },
  SECRET: {
    valueFrom: 'arn:aws:secretsmanager:us-west-2:123456789012:secret:chaos',
    value: 'hush-secret',
  },
} as const;

const NONE = { stopped: [], probed: [], restarted: [] } as const;

/** Each program says that it has started before it does anything else. */
const script = (tally: string, name: string, rest: string): string[] => [
  'sh',
  '-c',
  `say() { echo "${name} $1" >>${tally}; }; say start; ${rest}`,
];
/** Runs until it is stopped, then ends with that code. */
const until = (code: number) => `trap "exit ${code}" TERM; say ready; while :; do sleep 0.05; done`;

/** Until the agent, which may be dead for a while, has answered from inside the task's network. */
const ANSWERED =
  'until wget -qO /dev/null $ECS_CONTAINER_METADATA_URI_V4/task; do sleep 0.2; done; say answered';

export const SHAPES = [
  {
    ...NONE,
    name: 'one',
    define: (tally) => [{ name: 'main', command: script(tally, 'main', 'sleep 0.3; say end; exit 3') }],
    tally: ['main start', 'main end'],
    exitCodes: { main: 3 },
    run: ['main'],
  },
  {
    ...NONE,
    name: 'chain',
    define: (tally) => [
      { name: 'init', essential: false, command: script(tally, 'init', 'sleep 0.2; say end') },
      {
        name: 'migrate',
        essential: false,
        command: script(tally, 'migrate', 'sleep 0.2; say end; exit 4'),
        dependsOn: [{ containerName: 'init', condition: 'SUCCESS' }],
      },
      {
        name: 'app',
        command: script(tally, 'app', 'sleep 0.2; say end; exit 5'),
        dependsOn: [{ containerName: 'migrate', condition: 'COMPLETE' }],
      },
    ],
    tally: ['init start', 'init end', 'migrate start', 'migrate end', 'app start', 'app end'],
    exitCodes: { init: 0, migrate: 4, app: 5 },
    run: ['init', 'migrate', 'app'],
  },
  {
    ...NONE,
    name: 'health',
    define: (tally) => [
      {
        name: 'db',
        command: script(tally, 'db', until(9)),
        healthCheck: { command: ['CMD-SHELL', `grep -q "db ready" ${tally}`], interval: 1, retries: 10 },
      },
      {
        name: 'app',
        command: script(tally, 'app', 'sleep 0.2; say end; exit 6'),
        dependsOn: [{ containerName: 'db', condition: 'HEALTHY' }],
      },
    ],
    tally: ['db start', 'db ready', 'app start', 'app end'],
    exitCodes: { db: 9, app: 6 },
    run: ['db', 'app'],
    stopped: ['db'],
    probed: ['db'],
  },
  {
    ...NONE,
    name: 'restart',
    define: (tally) => [
      {
        name: 'main',
        command: script(
          tally,
          'main',
          `n=$(grep -c start ${tally}); sleep 0.2; say "end $n"; [ $n -lt 3 ] && exit 1; exit 7`,
        ),
        restartPolicy: { enabled: true, ignoredExitCodes: [7], restartAttemptPeriod: 0 },
      },
    ],
    tally: ['main start', 'main end 1', 'main start', 'main end 2', 'main start', 'main end 3'],
    exitCodes: { main: 7 },
    run: ['main'],
    restarted: ['main'],
  },
  {
    ...NONE,
    name: 'failing',
    define: (tally) => [
      { name: 'side', essential: false, command: script(tally, 'side', until(9)) },
      {
        name: 'main',
        command: script(
          tally,
          'main',
          `while ! grep -q "side ready" ${tally}; do sleep 0.05; done; say end; exit 1`,
        ),
      },
    ],
    tally: ['side start', 'side ready', 'main start', 'main end'],
    unordered: true,
    exitCodes: { side: 9, main: 1 },
    run: ['side', 'main'],
    stopped: ['side'],
  },
  {
    ...NONE,
    name: 'stop',
    define: (tally) => [
      { name: 'first', essential: false, command: script(tally, 'first', until(9)) },
      {
        name: 'second',
        command: script(tally, 'second', 'exit 0'),
        dependsOn: [{ containerName: 'first', condition: 'SUCCESS' }],
      },
    ],
    tally: ['first start', 'first ready'],
    exitCodes: { first: 9 },
    stopAfter: 'first ready',
    run: ['first'],
    stopped: ['first'],
  },
  {
    ...NONE,
    name: 'namespace',
    sharesNamespaces: true,
    define: (tally) => [
      {
        name: 'holder',
        essential: false,
        command: script(tally, 'holder', `echo $$ >/dev/shm/pid; ${until(9)}`),
      },
      {
        name: 'seer',
        command: script(
          tally,
          'seer',
          'until test -s /dev/shm/pid; do sleep 0.05; done; kill -0 $(cat /dev/shm/pid) && say seen; exit 5',
        ),
      },
    ],
    tally: ['holder start', 'holder ready', 'seer start', 'seer seen'],
    unordered: true,
    exitCodes: { holder: 9, seer: 5 },
    run: ['holder', 'seer'],
    stopped: ['holder'],
  },
  {
    ...NONE,
    name: 'secrets',
    executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
    define: (tally) => [
      {
        name: 'main',
        command: script(tally, 'main', 'sleep 0.3; say "$PARAMETER $SECRET"; exit 3'),
        secrets: Object.entries(SECRETS).map(([name, { valueFrom }]) => ({ name, valueFrom })),
      },
    ],
    tally: ['main start', `main ${SECRETS.PARAMETER.value} ${SECRETS.SECRET.value}`],
    exitCodes: { main: 3 },
    run: ['main'],
  },
  {
    ...NONE,
    name: 'eni',
    networkMode: 'awsvpc',
    define: (tally) => [
      { name: 'side', essential: false, command: script(tally, 'side', until(9)) },
      {
        name: 'main',
        command: script(tally, 'main', `${ANSWERED}; [ -e /sys/class/net/eth0 ] && exit 3`),
        dependsOn: [{ containerName: 'side', condition: 'START' }],
      },
    ],
    tally: ['side start', 'side ready', 'main start', 'main answered'],
    unordered: true,
    exitCodes: { side: 9, main: 3 },
    run: ['side', 'main'],
    stopped: ['side'],
  },
  {
    ...NONE,
    name: 'bridge',
    networkMode: 'bridge',
    define: (tally) => [
      {
        name: 'main',
        command: script(tally, 'main', `${ANSWERED}; exit 3`),
        portMappings: [{ containerPort: 80 }],
      },
    ],
    tally: ['main start', 'main answered'],
    exitCodes: { main: 3 },
    run: ['main'],
  },
] as const satisfies readonly Shape[];

export function shapeOf(name: string): Shape {
  const shape = SHAPES.find((candidate) => candidate.name === name);
  if (shape === undefined) throw new Error(`there is no shape ${name}`);
  return shape;
}
