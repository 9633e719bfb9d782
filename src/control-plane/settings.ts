import type { NetworkInterface } from './network-interfaces.ts';

/** How a control plane behaves. Times in ms. */
export interface Settings {
  readonly region: string;
  readonly account: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Between two ACS heartbeats; the agent gives a silent connection 60 s at least (acs.md §5). */
  readonly acsHeartbeatMs: number;
  /** Between two TCS heartbeats. */
  readonly tcsHeartbeatMs: number;
  /** An ACS or TCS connection older than this is closed with 1000 (acs.md §13). */
  readonly connectionLifeMs: number;
  /** A message not acked for this long is sent again (ecs-api.md §D3). */
  readonly resendMs: number;
  /** Life of the temporary keys made for task roles. */
  readonly credentialsLifeMs: number;
  /** Keys are renewed this long before they end (ecs-api.md §D3: 15 min at least). */
  readonly credentialsRenewMs: number;
  /** How often a session looks for messages and keys that are due. */
  readonly tickMs: number;
  /** How long a STOPPED task can be described. */
  readonly stoppedTaskLifeMs: number;
  /** False places tasks without a look at resources and ports, so that the agent's own accounting is met. */
  readonly checkResources: boolean;
  /** ENIs for awsvpc tasks. */
  readonly networkInterfaces: readonly NetworkInterface[];
  /** How long an agent may take to see an ENI. */
  readonly attachWaitMs: number;
}

export const DEFAULT_SETTINGS: Settings = {
  region: 'us-west-2',
  account: '123456789012',
  accessKeyId: 'test',
  secretAccessKey: 'test',
  acsHeartbeatMs: 45_000,
  tcsHeartbeatMs: 45_000,
  connectionLifeMs: 30 * 60_000,
  resendMs: 60_000,
  credentialsLifeMs: 6 * 3_600_000,
  credentialsRenewMs: 30 * 60_000,
  tickMs: 1_000,
  stoppedTaskLifeMs: 3_600_000,
  checkResources: true,
  networkInterfaces: [],
  attachWaitMs: 300_000,
};
