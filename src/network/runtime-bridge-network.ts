import { type ContainerId, taskIdOf } from '../task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';
import type { HostEndpoint } from './endpoint/host-endpoint.ts';
import type { ContainerNetwork, LinkedContainer, Network } from './network.ts';

/** Characters of its id that a container without a name of its own is called by. */
const DEFAULT_NAME_LENGTH = 12;

export interface RuntimeBridgeNetworkOptions {
  /** How containers get at 169.254.170.2; absent: they do not. */
  readonly endpoint?: HostEndpoint;
}

/**
 * Bridge mode where the runtime makes bridge, ports and name files itself: this only says what is wanted. What the
 * runtime chose is known once a container has started.
 */
export class RuntimeBridgeNetwork implements Network {
  readonly #endpoint: HostEndpoint | undefined;

  constructor({ endpoint }: RuntimeBridgeNetworkOptions) {
    this.#endpoint = endpoint;
  }

  refusal({ containers }: TaskSpec): string | undefined {
    const ranges = containers
      .flatMap(({ portMappings = [] }) => portMappings)
      .filter(({ rangeLength }) => rangeLength);
    return ranges.length === 0
      ? undefined
      : 'containerPortRange is not supported with ECS_RUNTIME=docker; map the ports one by one';
  }

  async prepareContainerNetwork(
    { arn }: TaskSpec,
    { options, portMappings = [] }: ContainerSpec,
    { id, links = [], signal }: { id: ContainerId; links?: readonly LinkedContainer[]; signal: AbortSignal },
  ): Promise<ContainerNetwork> {
    signal.throwIfAborted();
    await this.#endpoint
      ?.ensure(taskIdOf(arn), { signal })
      .catch((error: unknown) => this.#endpoint?.trouble(error));
    return {
      namespace: {
        kind: 'bridge',
        ports: portMappings,
        dns: options.dns,
        dnsSearch: options.dnsSearch,
        extraHosts: options.extraHosts,
        links: links.map((link) => ({ id: link.id, alias: link.alias })),
      },
      hostname: options.hostname ?? id.slice(0, DEFAULT_NAME_LENGTH),
      mounts: [],
      bindings: [],
    };
  }

  /** The runtime does it. */
  async completeContainerNetwork(): Promise<void> {}

  async releaseContainerNetwork(): Promise<void> {}

  /** Everything is a container's. */
  async releaseTaskNetwork(): Promise<void> {}

  async removeTaskNetwork({ arn }: TaskSpec): Promise<void> {
    await this.#endpoint?.release(taskIdOf(arn));
  }

  /** Those of the endpoint are the host network's to find. */
  async removeLeftovers(): Promise<void> {}

  async close(): Promise<void> {
    this.#endpoint?.close();
  }
}
