import type { AnswerOf, RequestOf, ServiceName, UnaryName } from '../../src/runtime/containerd/api.ts';
import { ContainerdClient } from '../../src/runtime/containerd/client.ts';
import type { TestContainerd } from '../../test/support/containerd.ts';
import { IMAGE } from './task-shapes.ts';

const SNAPSHOTTER = 'overlayfs';
const TEMPLATE = 'template';
/** A collection may come before the container's record, which would hold it from then on. */
const KEPT = { 'containerd.io/gc.root': '2026-01-01T00:00:00Z' };

interface Template {
  readonly id: string;
  readonly container: NonNullable<AnswerOf<'containers', 'Get'>['container']>;
  /** Snapshot of the image's top layer. */
  readonly parent: string;
}

/**
 * The floor of a start: a container made by nothing but the calls that containerd needs for it (snapshot, container,
 * task, start), from a Node that keeps its connection. Its specification is made once, by `ctr` or an agent.
 */
export class BarePath implements Disposable {
  readonly #client: ContainerdClient;
  readonly #template: Template;
  #count = 0;

  private constructor(client: ContainerdClient, template: Template) {
    this.#client = client;
    this.#template = template;
  }

  static async open(containerd: TestContainerd, namespace: string): Promise<BarePath> {
    await containerd.ctr(namespace, 'containers', 'create', '--net-host', IMAGE, TEMPLATE);
    const client = new ContainerdClient({ address: containerd.address, namespace });
    const template = await readTemplate(client, TEMPLATE);
    await containerd.ctr(namespace, 'containers', 'delete', TEMPLATE);
    return new BarePath(client, template);
  }

  /** With the specification of the only container of an agent, which has to run as long as this is used. */
  static async likeThatOf(agent: string, containerd: TestContainerd, namespace: string): Promise<BarePath> {
    const { address } = containerd;
    const id = (await containerd.ctr(agent, 'containers', 'ls', '-q')).trim();
    const theirs = new ContainerdClient({ address, namespace: agent });
    try {
      const template = await readTemplate(theirs, id);
      return new BarePath(new ContainerdClient({ address, namespace }), template);
    } finally {
      theirs.close();
    }
  }

  /** Makes and starts one container; gives how long that took, ms. `end` removes it. */
  async start(): Promise<{ readonly ms: number; readonly end: () => Promise<void> }> {
    this.#count += 1;
    const id = `bare-${this.#count}`;
    const { id: original, container, parent } = this.#template;
    const startedAt = performance.now();
    const { mounts } = await this.#call('snapshots', 'Prepare', {
      snapshotter: SNAPSHOTTER,
      key: id,
      parent,
      labels: KEPT,
    });
    await this.#call('containers', 'Create', {
      container: { ...container, id, snapshotKey: id, spec: ownSpec(container.spec, original, id) },
    });
    await this.#call('tasks', 'Create', { containerId: id, rootfs: mounts });
    await this.#call('tasks', 'Start', { containerId: id });
    return { ms: performance.now() - startedAt, end: () => this.#end(id) };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  async #end(id: string): Promise<void> {
    const ended = this.#call('tasks', 'Wait', { containerId: id });
    await this.#call('tasks', 'Kill', { containerId: id, signal: 9, all: true });
    await ended;
    await this.#call('tasks', 'Delete', { containerId: id });
    await this.#call('containers', 'Delete', { id });
    await this.#call('snapshots', 'Remove', { snapshotter: SNAPSHOTTER, key: id });
  }

  #call<S extends ServiceName, M extends UnaryName<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
  ): Promise<AnswerOf<S, M>> {
    const { signal } = new AbortController();
    return this.#client.unary(service, method, request, { signal });
  }
}

async function readTemplate(client: ContainerdClient, id: string): Promise<Template> {
  const call = { signal: new AbortController().signal };
  const { container } = await client.unary('containers', 'Get', { id }, call);
  const { info } = await client.unary('snapshots', 'Stat', { snapshotter: SNAPSHOTTER, key: id }, call);
  if (container === null || info === null) throw new Error(`there is no container "${id}" to start from`);
  return { id, container: { ...container, labels: {}, extensions: {} }, parent: info.parent };
}

/** Several at once need a cgroup each. */
function ownSpec(
  spec: Template['container']['spec'],
  original: string,
  id: string,
): Template['container']['spec'] {
  if (spec === null) throw new Error('the container to start from has no specification');
  const text = spec.value.toString().replace(`/${original}"`, `/${id}"`);
  return { ...spec, value: Buffer.from(text) };
}
