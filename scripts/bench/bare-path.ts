import type { AnswerOf, RequestOf, ServiceName, UnaryName } from '../../src/runtime/containerd/api.ts';
import { ContainerdClient } from '../../src/runtime/containerd/client.ts';
import type { TestContainerd } from '../../test/support/containerd.ts';
import { IMAGE } from './task-shapes.ts';

const SNAPSHOTTER = 'overlayfs';
const TEMPLATE = 'template';
/** A collection may come before the container's record, which would hold it from then on. */
const KEPT = { 'containerd.io/gc.root': '2026-01-01T00:00:00Z' };

interface Template {
  readonly container: NonNullable<AnswerOf<'containers', 'Get'>['container']>;
  /** Snapshot of the image's top layer. */
  readonly parent: string;
}

/**
 * The floor of a start: a container made by nothing but the calls that containerd needs for it (snapshot, container,
 * task, start), from a Node that keeps its connection. Its specification is made once, by `ctr`.
 */
export class BarePath implements AsyncDisposable {
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
    const { signal } = new AbortController();
    const { container } = await client.unary('containers', 'Get', { id: TEMPLATE }, { signal });
    const { info } = await client.unary(
      'snapshots',
      'Stat',
      { snapshotter: SNAPSHOTTER, key: TEMPLATE },
      { signal },
    );
    if (container === null || info === null) throw new Error('ctr made no container');
    return new BarePath(client, { container, parent: info.parent });
  }

  /** Makes and starts one container; gives how long that took, ms. `end` removes it. */
  async start(): Promise<{ readonly ms: number; readonly end: () => Promise<void> }> {
    this.#count += 1;
    const id = `bare-${this.#count}`;
    const { container, parent } = this.#template;
    const startedAt = performance.now();
    const { mounts } = await this.#call('snapshots', 'Prepare', {
      snapshotter: SNAPSHOTTER,
      key: id,
      parent,
      labels: KEPT,
    });
    await this.#call('containers', 'Create', {
      container: { ...container, id, snapshotKey: id, spec: ownSpec(container.spec, id) },
    });
    await this.#call('tasks', 'Create', { containerId: id, rootfs: mounts });
    await this.#call('tasks', 'Start', { containerId: id });
    return { ms: performance.now() - startedAt, end: () => this.#end(id) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#call('containers', 'Delete', { id: TEMPLATE });
    await this.#call('snapshots', 'Remove', { snapshotter: SNAPSHOTTER, key: TEMPLATE });
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

/** Several at once need a cgroup each. */
function ownSpec(spec: Template['container']['spec'], id: string): Template['container']['spec'] {
  if (spec === null) throw new Error('the container of ctr has no specification');
  const text = spec.value.toString().replace(`/${TEMPLATE}"`, `/${id}"`);
  return { ...spec, value: Buffer.from(text) };
}
