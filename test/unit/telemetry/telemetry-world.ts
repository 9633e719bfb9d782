import { pino } from 'pino';
import type { TaskHealth } from '../../../src/telemetry/health-requests.ts';
import { InstanceHealth } from '../../../src/telemetry/instance-health.ts';
import { TelemetrySession } from '../../../src/telemetry/session.ts';
import type { TaskMeasurements } from '../../../src/telemetry/stats/metrics-requests.ts';
import { parseAgentFrame } from '../../../src/wire/tcs-agent.ts';
import { ManualClock, settle } from '../acs/manual-clock.ts';
import { type ScriptedConnection, ScriptedServer } from '../acs/scripted-socket.ts';

export const INSTANCE = 'arn:aws:ecs:us-west-2:123456789012:container-instance/peer/940f6ece';

/** A TCS session without network or time. */
export class TelemetryWorld {
  readonly clock = new ManualClock();
  readonly server = new ScriptedServer();
  readonly health: InstanceHealth;
  readonly session: TelemetrySession;
  readonly startedAt = this.clock.now();
  cycle: 'idle' | readonly TaskMeasurements[] = 'idle';
  checked: readonly TaskHealth[] = [];
  random = 0;
  telemetry: string | undefined = 'http://127.0.0.1:1/tcs/';
  ping: () => Promise<void> = async () => {};
  signError: Error | undefined;

  constructor() {
    const logger = pino({ level: 'silent' });
    this.health = new InstanceHealth({ ping: () => this.ping(), logger, clock: this.clock });
    this.session = new TelemetrySession({
      identity: {
        cluster: 'peer',
        containerInstanceArn: INSTANCE,
        agentVersion: '0.1.0',
        agentHash: '00000000',
        userAgent: 'test',
      },
      health: this.health,
      logger,
      discover: async () => (this.telemetry === undefined ? {} : { telemetry: this.telemetry }),
      signUpgrade: async () => ({ authorization: 'signed' }),
      signFrame: async (url, json) => {
        if (this.signError !== undefined) throw this.signError;
        return `Authorization: signed\r\nHost: ${url.host}\r\n\r\n${json}`;
      },
      metricsCycle: () => this.cycle,
      healthCycle: () => this.checked,
      clock: this.clock,
      random: () => this.random,
      open: this.server.open,
    });
  }

  async start(): Promise<this> {
    this.session.start();
    await settle();
    return this;
  }

  /** The ACS heartbeat that starts a check. */
  async heartbeat(): Promise<void> {
    await this.health.check();
  }

  /** Lets time pass on a connection that the server keeps alive. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10_000) {
      this.server.connection.receive('HeartbeatMessage');
      await this.clock.advance(Math.min(left, 10_000));
    }
  }

  /** Messages of one type on a connection, the latest by default. */
  sent(type: string, connection: ScriptedConnection = this.server.connection): Record<string, unknown>[] {
    return connection.sent.flatMap((text) => {
      const { frame } = parseAgentFrame(text);
      if (frame.kind !== 'message') throw new Error(`the agent sent what no server can read: ${text}`);
      return frame.message.type === type ? [{ ...frame.message.message }] : [];
    });
  }
}
