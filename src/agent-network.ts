import { join } from 'node:path';
import type { Logger } from 'pino';
import { reportedFamilies } from './agent-settings.ts';
import type { Config } from './config/config.ts';
import type { BridgeAddress } from './network/bridge/bridge-link.ts';
import { bridgeNames } from './network/bridge/bridge-names.ts';
import { HostEndpoint } from './network/endpoint/host-endpoint.ts';
import type { TakeConnection } from './network/endpoint/namespace-endpoints.ts';
import { HostNetwork } from './network/host-network.ts';
import {
  hasNetworkState,
  networkStateDirectory,
  taskNetworkStateDirectory,
} from './network/network-state.ts';
import { RuntimeBridgeNetwork } from './network/runtime-bridge-network.ts';
import { type NetworkOfMode, TaskNetwork } from './network/task-network.ts';
import type { ContainerRuntime } from './runtime/runtime.ts';

/** A task of a few containers takes all of them; each is a namespace and a link (measured: 0.3 MiB of the kernel's memory). */
const SPARES = { count: 4, afterMs: 2_000 };

export interface NetworkParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly takeConnection: TakeConnection;
  readonly runtime: Pick<ContainerRuntime, 'info' | 'observeContainer'>;
  /** Whether tasks may have ENIs. */
  readonly taskEniUsable: boolean;
  /** Told whenever the bridge of bridge mode is there. */
  onBridge(bridge: BridgeAddress): void;
}

/** Builds the networks of tasks; those of bridge and awsvpc mode are loaded by the first task that needs them. */
export async function openNetwork({
  config,
  logger,
  takeConnection,
  runtime,
  taskEniUsable,
  onBridge,
}: NetworkParts): Promise<TaskNetwork> {
  const runDir = config.runDirectory;
  const endpoint = new HostEndpoint({
    table: bridgeNames(config.containerdNamespace).endpointTable,
    users: join(runDir, 'host-endpoint'),
    ...(runtime.info.bridge !== undefined && { bridge: runtime.info.bridge }),
    onTrouble: (error) => logger.warn({ err: error }, 'tasks and 169.254.170.2'),
  });
  const host = new HostNetwork({ runDir, endpoint });
  const awsvpc: NetworkOfMode = {
    mode: 'awsvpc',
    isInUse: async () => await hasNetworkState(taskNetworkStateDirectory(runDir)),
    load: async () =>
      await (await import('./network/awsvpc/awsvpc-network.ts')).AwsvpcNetwork.open({
        runDir,
        namespace: config.containerdNamespace,
        blockInstanceMetadata: config.awsvpcBlockImds,
        log: logger,
        takeConnection,
        ...(runtime.info.joinsNetworkBy === 'container' && { holders: runtime }),
        localRoutes: new (await import('./network/awsvpc/bridge-local-routes.ts')).BridgeLocalRoutes({
          runDir,
          namespace: config.containerdNamespace,
          pluginDirectories: config.cniPluginDirectories,
          destinations: config.awsvpcAdditionalLocalRoutes,
        }),
      }),
  };
  // ENIs that an earlier run took are given back, whatever the settings are now.
  const takesEnis = taskEniUsable || (await awsvpc.isInUse());
  const ofRuntime = new RuntimeBridgeNetwork({ endpoint });
  const runtimesBridge: NetworkOfMode = {
    mode: 'bridge',
    refusal: (task) => ofRuntime.refusal(task),
    isInUse: async () => false,
    load: async () => ofRuntime,
  };
  const bridge: NetworkOfMode = {
    mode: 'bridge',
    isInUse: async () => await hasNetworkState(networkStateDirectory(runDir)),
    load: async () =>
      await (await import('./network/bridge/bridge-network.ts')).BridgeNetwork.open({
        runDir,
        namespace: config.containerdNamespace,
        pluginDirectories: config.cniPluginDirectories,
        portRange: config.dynamicHostPortRange,
        reportedFamilies: reportedFamilies(config),
        spares: SPARES,
        log: logger,
        takeConnection,
        onBridge,
      }),
  };
  return await TaskNetwork.open(host, [
    ...(takesEnis ? [awsvpc] : []),
    runtime.info.network === 'own' ? runtimesBridge : bridge,
  ]);
}
