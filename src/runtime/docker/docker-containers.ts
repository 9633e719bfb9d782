import type { ChosenNetwork } from '../../task/container-facts.ts';
import type { ContainerId } from '../../task/ids.ts';
import { isReported, type PortBinding, type ReportedFamilies } from '../../task/port-mapping.ts';
import type { ContainerExit, ContainerObservation } from '../runtime.ts';
import type { DockerClient } from './docker-client.ts';
import {
  containerListSchema,
  containerSchema,
  type DockerContainer,
  LABEL_ID,
  LABEL_OWNER,
  OF_CONTAINER,
  timeOf,
} from './docker-documents.ts';
import { hasStatus } from './docker-error.ts';

/** Containers of one agent on a dockerd, found by labels: dockerd gives ids of its own. */
export class DockerContainers {
  readonly #client: DockerClient;
  readonly #owner: string;
  readonly #known = new Map<string, string>();

  constructor(client: DockerClient, owner: string) {
    this.#client = client;
    this.#owner = owner;
  }

  /** dockerd's id of a container; undefined when there is none. */
  async find(id: ContainerId, signal: AbortSignal): Promise<string | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const [found] = await this.#list([`${LABEL_OWNER}=${this.#owner}`, `${LABEL_ID}=${id}`], signal);
    if (found !== undefined) this.#known.set(id, found.Id);
    return found?.Id;
  }

  /** dockerd's id of one that was found or made before. */
  known(id: string): string {
    const known = this.#known.get(id);
    if (known === undefined) throw new Error(`No such container: ${id}`);
    return known;
  }

  remember(id: ContainerId, dockerId: string): void {
    this.#known.set(id, dockerId);
  }

  forget(id: ContainerId): void {
    this.#known.delete(id);
  }

  /** Everything dockerd knows of a container; undefined when it is gone. */
  async inspect(id: ContainerId, signal: AbortSignal): Promise<DockerContainer | undefined> {
    const dockerId = await this.find(id, signal);
    if (dockerId === undefined) return undefined;
    try {
      return await this.#client.call('GET', `/containers/${dockerId}/json`, containerSchema, { signal });
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      this.forget(id);
      return undefined;
    }
  }

  /** Ids, in the port's sense, of all containers of this agent. */
  async ids(signal: AbortSignal): Promise<readonly string[]> {
    const found = await this.#list([`${LABEL_OWNER}=${this.#owner}`], signal);
    return found.flatMap(({ Id, Labels }) => {
      const id = Labels?.[LABEL_ID];
      if (id === undefined) return [];
      this.#known.set(id, Id);
      return [id];
    });
  }

  async #list(labels: readonly string[], signal: AbortSignal) {
    const query = { all: '1', filters: JSON.stringify({ label: labels }) };
    return await this.#client.call('GET', '/containers/json', containerListSchema, { query, signal });
  }
}

/** How a container ended; undefined while it runs or when it never ran. */
export function exitOf({ State }: DockerContainer): ContainerExit | undefined {
  const startedAt = timeOf(State.StartedAt);
  if (hasNotEnded(State.Status) || startedAt === undefined) return undefined;
  return {
    exitCode: State.ExitCode,
    exitedAt: timeOf(State.FinishedAt) ?? Date.now(),
    oomKilled: State.OOMKilled,
    // dockerd counts no runs, but each begins later than the one before.
    run: startedAt,
    ...(State.Error !== '' && { detail: State.Error }),
  };
}

export function observationOf(
  container: DockerContainer | undefined,
  families: ReportedFamilies,
): ContainerObservation {
  if (container === undefined) return { state: 'absent' };
  const { Status, Pid } = container.State;
  if (Status === 'created') return { state: 'created' };
  const exit = exitOf(container);
  if (exit !== undefined) return { state: 'exited', exit };
  if (!hasNotEnded(Status)) return { state: 'created' };
  return { state: 'running', pid: Pid, ...networkOf(container, families) };
}

/** dockerd's states of a process that is there. */
function hasNotEnded(status: string): boolean {
  return status === 'running' || status === 'paused' || status === 'restarting';
}

/**
 * What dockerd chose: addresses, and a binding for each port and address of the host. Nothing where the container is
 * in a namespace of another one, which the agent has filled.
 */
export function networkOf(
  { HostConfig, NetworkSettings }: DockerContainer,
  families: ReportedFamilies,
): { readonly network?: ChosenNetwork } {
  if (HostConfig.NetworkMode.startsWith(OF_CONTAINER)) return {};
  const { Ports, IPAddress, GlobalIPv6Address } = NetworkSettings;
  const bindings = Object.entries(Ports ?? {}).flatMap(([key, published]): readonly PortBinding[] => {
    const [port, protocol] = key.split('/');
    return (published ?? []).map(({ HostIp, HostPort }) => ({
      bindIp: HostIp,
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
      containerPort: Number(port),
      hostPort: Number(HostPort),
    }));
  });
  const network: ChosenNetwork = {
    bindings: bindings
      .filter(({ bindIp }) => isReported(bindIp, families))
      .toSorted((a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol)),
    addresses: {
      ...(IPAddress !== '' && { ipv4: IPAddress }),
      ...(GlobalIPv6Address !== '' && { ipv6: GlobalIPv6Address }),
    },
  };
  return { network };
}
