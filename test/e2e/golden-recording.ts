import { readFileSync } from 'node:fs';
import { parsePayloadTask } from '../../src/acs/payload-task.ts';
import type { WireLine } from '../support/recording-control-plane.ts';

/** Recordings that our agent is run through. */
export const GOLDEN_SCENARIOS = [
  '01-registration',
  '02-run-exit0',
  '03-stop',
  '05-depends-on',
  '09-limits',
  '11-volumes',
] as const;

/** Image of all recorded containers. */
export const RECORDED_IMAGE = '127.0.0.1:5999/bb:v1';

/** A line of a recording, as far as scenarios need more than the wire. */
export interface RecordedLine extends WireLine {
  readonly env?: Readonly<Record<string, string>>;
}

/** One scenario as the Amazon ECS agent played it. */
export interface Recording {
  readonly name: string;
  readonly lines: readonly RecordedLine[];
  /** The environment that the agent ran with. */
  readonly env: Readonly<Record<string, string>>;
  readonly registration: WireLine;
  readonly containerInstanceArn: string;
}

export function readRecording(name: string): Recording {
  const text = readFileSync(new URL(`../golden/${name}.jsonl`, import.meta.url), 'utf8');
  const lines: readonly RecordedLine[] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const find = (test: (line: RecordedLine) => boolean): RecordedLine => {
    const line = lines.find(test);
    if (line === undefined) throw new Error(`${name} lacks a line`);
    return line;
  };
  const discovery = find(({ op, dir }) => op === 'DiscoverPollEndpoint' && dir === 'in');
  return {
    name,
    lines,
    env: find(({ event }) => event === 'agent-exec').env ?? {},
    registration: find(({ op, dir }) => op === 'RegisterContainerInstance' && dir === 'in'),
    containerInstanceArn: String(discovery.body?.containerInstance),
  };
}

/** What the metadata double answered when the recording was made. */
export function metadataOf({ registration, lines }: Recording): Readonly<Record<string, string>> {
  const { body } = registration;
  const known: Readonly<Record<string, unknown>> = {
    '/latest/meta-data/mac': '02:00:0a:00:00:05',
    '/latest/dynamic/instance-identity/document': body?.instanceIdentityDocument,
    '/latest/dynamic/instance-identity/signature': body?.instanceIdentityDocumentSignature,
  };
  return Object.fromEntries(
    lines
      .filter(({ ch, method, status }) => ch === 'imds' && method === 'GET' && status === 200)
      .map(({ path = '' }) => [path, String(known[path] ?? 'example')]),
  );
}

type Json = Readonly<Record<string, unknown>>;

/** The tasks of a payload message. */
export function tasksOf(message: Json | undefined): readonly Json[] {
  return listOf(message?.tasks);
}

/** What the test changes in the recorded messages before it sends them, and where it runs them. */
export const TEST_MADE: readonly string[] = [
  "Tasks in network mode `bridge` are sent in mode `host`, in `networkMode` and in `hostConfig.NetworkMode`, and without settings of the network (`hostConfig.Sysctls`), which would be the host's.",
  'The image is one in a registry of the test; it is in containerd before the agent starts, as it was in dockerd.',
  'Tasks do without the host volume that they mount at `/out`, into which only the recording looked; the image has that directory instead.',
  'The host directory of other bind volumes is one of the test.',
  'CPU and memory of the registration are those of the machine.',
];

/** What stands in the test for parts of the recording's host. */
export interface Stage {
  /** Image that all containers run. */
  readonly image: string;
  /** Host directory of the volumes that bind `<SHAREDIR>`. */
  readonly shareDirectory: string;
}

/**
 * A recorded payload as the test sends it: tasks in host network mode, which today's agent has, the image of the
 * test's registry, and a directory of the test's own.
 */
export function sentPayload(message: Json, { image, shareDirectory }: Stage): Json {
  const text = JSON.stringify(message)
    .replaceAll(RECORDED_IMAGE, image)
    .replaceAll('<SHAREDIR>', shareDirectory)
    .replaceAll('"networkMode":"bridge"', '"networkMode":"host"')
    // dockerConfig is JSON in a text of this JSON.
    .replaceAll(String.raw`\"NetworkMode\":\"bridge\"`, String.raw`\"NetworkMode\":\"host\"`)
    .replaceAll(/\\"Sysctls\\":\{\\"net\.[^}]*\}/g, String.raw`\"Sysctls\":{}`);
  const sent: Json = JSON.parse(text);
  return { ...sent, tasks: tasksOf(sent).map(withoutOutputVolume) };
}

/** Where containers leave files for the recording's own purposes. */
export const OUTPUT_DIRECTORY = '/out';

function withoutOutputVolume(task: Json): Json {
  const containers = listOf(task.containers);
  const mounts = containers.flatMap(({ mountPoints }) => listOf(mountPoints));
  const isOutput = ({ containerPath }: Json) => containerPath === OUTPUT_DIRECTORY;
  const [volume] = mounts.filter(isOutput).map(({ sourceVolume }) => sourceVolume);
  if (volume === undefined) return task;
  return {
    ...task,
    volumes: listOf(task.volumes).filter(({ name }) => name !== volume),
    containers: containers.map((container) => ({
      ...container,
      mountPoints: listOf(container.mountPoints).filter((mount) => !isOutput(mount)),
    })),
  };
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** A task that today's agent refuses, and the fields it names. */
export interface RefusedTask {
  readonly arn: string;
  readonly containers: readonly string[];
  readonly fields: readonly string[];
}

/** Tasks of a recording that ask for what today's agent cannot do, as the agent's own reading of them says. */
export function refusedTasks({ lines }: Recording): readonly RefusedTask[] {
  const payloads = lines.filter(({ type, dir }) => type === 'PayloadMessage' && dir === 'out');
  return payloads.flatMap(({ message = {} }) =>
    tasksOf(sentPayload(message, { image: RECORDED_IMAGE, shareDirectory: '/share' })).flatMap((task) => {
      const parsed = parsePayloadTask(task, String(message.clusterArn));
      if (parsed.kind !== 'task' || parsed.spec.unsupported.length === 0) return [];
      const { arn, containers, unsupported } = parsed.spec;
      return [{ arn, containers: containers.map(({ name }) => name), fields: unsupported }];
    }),
  );
}
