import {
  type ContainerRuntime,
  type CreateContainer,
  LABEL_CONTAINER_NAME,
  LABEL_TASK_ARN,
  type RuntimeEvent,
} from '../../../src/runtime/runtime.ts';
import { type ContainerId, containerIdOf, taskArn } from '../../../src/task/ids.ts';
import { until } from '../../support/until.ts';
import type { LimitsUnderTest, RuntimeUnderTest } from './runtime-under-test.ts';

export const ARN = taskArn('arn:aws:ecs:eu-west-1:123456789012:task/default/0123456789abcdef');

/** A request for a plain container; `name` makes its id. */
export async function requestOf(
  under: LimitsUnderTest,
  name: string,
  overrides: Partial<CreateContainer> = {},
): Promise<CreateContainer> {
  const id = containerIdOf(ARN, name, 0);
  return {
    id,
    name: `ecs-family-1-${name}-${id.slice(0, 20)}`,
    taskArn: ARN,
    group: '0123456789abcdef',
    labels: { [LABEL_TASK_ARN]: ARN, [LABEL_CONTAINER_NAME]: name },
    image: under.image,
    environment: {},
    terminal: false,
    openStdin: false,
    readonlyRootfs: false,
    capabilitiesAdd: [],
    capabilitiesDrop: [],
    ulimits: [],
    sysctls: {},
    mounts: [],
    tmpfs: {},
    network: { kind: 'isolated' },
    limits: { cpuShares: 128 },
    stdio: await under.stdio(id),
    ...under.defaults(id),
    ...overrides,
  };
}

/** A script for the container's shell. */
export function script(text: string): Pick<CreateContainer, 'entryPoint' | 'command'> {
  return { entryPoint: ['sh', '-c'], command: [text] };
}

/** Runs a container to its end and gives what it wrote. */
export async function runToEnd(
  under: RuntimeUnderTest,
  name: string,
  overrides: Partial<CreateContainer>,
): Promise<string> {
  const { runtime } = under;
  const { signal } = new AbortController();
  await using log = new EventLog(runtime);
  const request = await requestOf(under, name, overrides);
  await runtime.createContainer(request, { signal });
  await runtime.startContainer(request.id, { signal });
  await log.exitOf(request.id);
  const output = await under.output(request.id);
  await runtime.removeContainer(request.id, { signal });
  return output;
}

/** Everything a runtime tells, kept in order, while the test looks for what it expects. */
export class EventLog implements AsyncDisposable {
  readonly events: RuntimeEvent[] = [];
  readonly #controller = new AbortController();
  readonly #reading: Promise<void>;

  constructor(runtime: ContainerRuntime) {
    const stream = runtime.events({ signal: this.#controller.signal });
    this.#reading = this.#read(stream);
  }

  /** Events of one container. */
  of(id: ContainerId): RuntimeEvent[] {
    return this.events.filter((event) => event.kind !== 'resync' && event.id === id);
  }

  exitsOf(id: ContainerId): (RuntimeEvent & { kind: 'exited' })[] {
    return this.events.filter((event) => event.kind === 'exited').filter((event) => event.id === id);
  }

  async exitOf(id: ContainerId, timeoutMs = 15_000) {
    const event = await until(() => this.exitsOf(id)[0], { what: `${id} has exited`, timeoutMs });
    return event.exit;
  }

  /** Waits until the stream's first event is there. */
  async live(): Promise<void> {
    await until(() => this.events.length > 0, { what: 'the event stream is live' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#reading;
  }

  async #read(stream: AsyncIterable<RuntimeEvent>): Promise<void> {
    for await (const event of stream) this.events.push(event);
  }
}
