import type { WireLine } from '../support/recording-control-plane.ts';

/** A line in the form in which two runs can be compared: what differs from run to run is a placeholder. */
export interface Wire {
  readonly ch: string;
  readonly op?: string;
  readonly event?: string;
  readonly type?: string;
  readonly method?: string;
  readonly path?: string;
  /** Parts of the query as they stood in the URL, in order. */
  readonly query?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly signedPrefix?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly code?: number;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly message?: Readonly<Record<string, unknown>>;
}

/** What differs between two runs of one agent, in words. */
export const VARYING: readonly string[] = [
  'Ids that the agent makes (`clientToken`, `amz-sdk-invocation-id`, `sec-websocket-key`, message ids of TCS), container ids, image digests, signatures, the port of the control plane and the lengths that follow from all these.',
  'Times; they have to be seconds with at most three decimals (OBS-14).',
  'The order of `containers` within a state change (OBS-17), of tasks among each other, of members within a JSON object, and of header lines.',
  "Which of the two sockets connects first, and whether a payload's ack or its first state change comes first (OBS-03).",
  'Whether a container that ends at once is over by the time of RUNNING: then its entry there has the exit code already (OBS-08).',
  'Whether `ecs.capability.fault-injection` and `ecs.capability.pid-ipc-namespace-sharing` are claimed: that depends on the kernel of the host, and on whether it has the pause image of that agent.',
];

const HEADERS: Readonly<Record<string, (value: string) => string>> = {
  host: (value) => (/^127\.0\.0\.1:\d+$/.test(value) ? '<HOST>' : value),
  'content-length': (value) => (/^\d+$/.test(value) ? '<LENGTH>' : value),
  'amz-sdk-invocation-id': uuid,
  'x-amz-date': awsTime,
  'sec-websocket-key': (value) => (/^[A-Za-z0-9+/]{22}==$/.test(value) ? '<KEY>' : value),
  authorization: (value) =>
    value.replace(/\/\d{8}\//, '/<DAY>/').replace(/Signature=([0-9a-f]{64}|<SIG>)$/, 'Signature=<SIG>'),
};

/** Members whose values are times, in seconds with at most three decimals (OBS-14). */
const TIMES = new Set(['timestamp', 'executionStoppedAt', 'pullStartedAt', 'pullStoppedAt']);

/** A line of a recording, or of a run, in comparable form. `image` is what its containers ran. */
export function wireOf(line: WireLine, image: string): Wire {
  const { ch, op, event, type, method, path, rawUrl, headers, signedPrefix, status, code, body, message } =
    line;
  const entries = {
    op,
    event,
    type,
    method,
    path,
    query: rawUrl?.split('?')[1]?.split('&'),
    headers: headers && mapHeaders(headers),
    signedPrefix: signedPrefix && mapHeaders(signedPrefix),
    status,
    code,
    body: body && membersOf(withoutHostAttributes(body), image),
    // The ids of what ECS sent come back in acks and have to be the very same.
    message: message && membersOf(message, image, ch === 'tcs' ? ['messageId'] : []),
  };
  return { ch, ...Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) };
}

/** Claimed where the host's kernel has netem, which no recording says, and where a pause image is there, which none had. */
const HOST_ATTRIBUTES: readonly unknown[] = [
  'ecs.capability.fault-injection',
  'ecs.capability.pid-ipc-namespace-sharing',
];

function withoutHostAttributes(body: Json): Json {
  if (!Array.isArray(body.attributes)) return body;
  return { ...body, attributes: body.attributes.filter(({ name }) => !HOST_ATTRIBUTES.includes(name)) };
}

function mapHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, HEADERS[name.toLowerCase()]?.(value) ?? value]),
  );
}

type Json = Readonly<Record<string, unknown>>;

function membersOf(value: Json, image: string, ids: readonly string[] = []): Json {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, memberOf(name, member, image, ids)]),
  );
}

function memberOf(name: string, value: unknown, image: string, ids: readonly string[]): unknown {
  if (name === 'clientToken' || ids.includes(name)) return uuid(String(value));
  if (TIMES.has(name) && typeof value === 'number') return timeOf(value);
  if (name === 'totalResources' && Array.isArray(value)) return value.map(resourceOf);
  if (name === 'containers' && Array.isArray(value))
    return value.map((item) => membersOf(item, image, ids)).toSorted(byNameAndStatus);
  if (Array.isArray(value)) return value.map((item) => memberOf('', item, image, ids));
  if (isObject(value)) return membersOf(value, image, ids);
  if (typeof value !== 'string') return value;
  if (name === 'runtimeId') return value.replace(/^[0-9a-f]{64}$/, '<CONTAINER ID>');
  if (name === 'imageDigest') return value.replace(/^sha256:[0-9a-f]{64}$/, '<DIGEST>');
  return value.replaceAll(image, '<IMAGE>');
}

/** Processors and memory are the machine's. */
function resourceOf(resource: Json): Json {
  const measured = resource.name === 'CPU' || resource.name === 'MEMORY';
  return measured && Number.isInteger(resource.integerValue)
    ? { ...resource, integerValue: '<NUMBER>' }
    : resource;
}

/** The order of the list means nothing and differs between calls (OBS-17). */
function byNameAndStatus(a: Json, b: Json): number {
  const key = ({ containerName, status }: Json) => `${String(containerName)} ${String(status)}`;
  return key(a).localeCompare(key(b));
}

function timeOf(seconds: number): unknown {
  const isMilliseconds = Number(seconds.toFixed(3)) === seconds;
  return isMilliseconds && seconds > 1_500_000_000 && seconds < 4_000_000_000 ? '<TIME>' : seconds;
}

function uuid(value: string): string {
  return value.replace(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '<UUID>');
}

function awsTime(value: string): string {
  return value.replace(/^\d{8}T\d{6}Z$/, '<TIME>');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * State changes of one task. A container that is over before RUNNING is told carries its exit code there already
 * (OBS-08); whether it is over by then is chance, so an exit code that its STOPPED repeats is taken out.
 */
export function withoutEarlyExitCodes(reports: readonly Wire[]): readonly Wire[] {
  const containers = (wire: Wire): readonly Json[] =>
    Array.isArray(wire.body?.containers) ? wire.body.containers : [];
  const stopped = reports.flatMap(containers).filter(({ status }) => status === 'STOPPED');
  const isRepeated = ({ containerName, exitCode }: Json) =>
    stopped.some((other) => other.containerName === containerName && other.exitCode === exitCode);
  return reports.map((wire) => {
    if (wire.body?.containers === undefined) return wire;
    const cleaned = containers(wire).map((container) => {
      const { exitCode: _, ...rest } = container;
      return container.status === 'RUNNING' && isRepeated(container) ? rest : container;
    });
    return { ...wire, body: { ...wire.body, containers: cleaned } };
  });
}
