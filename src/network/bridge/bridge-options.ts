import type { RunCommand } from '../../host/run-command.ts';
import type { ReportedFamilies } from '../../task/port-mapping.ts';
import type { TakeConnection } from '../endpoint/namespace-endpoints.ts';
import type { NetworkLog } from '../network.ts';
import type { BridgeAddress } from './bridge-link.ts';
import type { SparesWanted } from './spare-links.ts';

export interface BridgeNetworkOptions {
  /** The agent's run directory: what is kept there outlives the agent, not the boot. */
  readonly runDir: string;
  /** The agent's containerd namespace; names on the host derive from it. */
  readonly namespace: string;
  readonly pluginDirectories: readonly string[];
  /** First and last dynamic host port. */
  readonly portRange: { readonly first: number; readonly last: number };
  readonly reportedFamilies: ReportedFamilies;
  /** Networks that are made before a container wants one. */
  readonly spares: SparesWanted;
  readonly log: NetworkLog;
  /** Where the host's files are seen; default `/`. */
  readonly hostRoot?: string;
  /** Default /run/netns, where ip-netns(8) looks. */
  readonly netnsDirectory?: string;
  readonly run?: RunCommand;
  /** Answers what containers ask 169.254.170.2. */
  readonly takeConnection: TakeConnection;
  /** Told whenever the bridge is there, so that something can be served on it. */
  readonly onBridge?: (bridge: BridgeAddress) => void;
}
