import { pino } from 'pino';
import { AcsSession, type AcsSessionOptions } from '../../../src/acs/session.ts';
import { CredentialsStore } from '../../../src/credentials/credentials-store.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { RecordedAttachments } from './recorded-attachments.ts';
import { RecordedIntake } from './recorded-intake.ts';
import { ScriptedServer } from './scripted-socket.ts';

export const CLUSTER = 'arn:aws:ecs:us-west-2:123456789012:cluster/peer';
export const INSTANCE = 'arn:aws:ecs:us-west-2:123456789012:container-instance/peer/940f6ece';
export const taskArnOf = (id: string) => `arn:aws:ecs:us-west-2:123456789012:task/peer/${id}`;
export const ADDRESS = { messageId: 'm-1', clusterArn: CLUSTER, containerInstanceArn: INSTANCE };

/** A payload task that runs as it is. */
export function wireTask(id: string, more: object = {}): Record<string, unknown> {
  return {
    arn: taskArnOf(id),
    desiredStatus: 'RUNNING',
    family: 'fam',
    version: '1',
    networkMode: 'host',
    containers: [{ name: 'main', image: 'busybox', essential: true, overrides: '{}' }],
    ...more,
  };
}

export const wireCredentials = (credentialsId: string) => ({
  credentialsId,
  roleArn: 'arn:aws:iam::123456789012:role/r',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret',
  sessionToken: 'token',
  expiration: '2026-11-22T21:00:00.000Z',
});

/** A session in a world without network or time; all its inputs and outputs are at hand. */
export class AcsWorld {
  readonly clock = new ManualClock();
  readonly server = new ScriptedServer();
  readonly intake = new RecordedIntake();
  readonly attachments = new RecordedAttachments();
  readonly credentials = new CredentialsStore();
  readonly events: string[] = [];
  readonly logged: { level: number; msg: string }[] = [];
  readonly persisted: number[] = [];
  random = 0;
  discoverError: Error | undefined;
  persistError: Error | undefined;
  heartbeatError: Error | undefined;
  endpoint = 'http://127.0.0.1:1/acs/';
  readonly session: AcsSession;

  constructor(
    storedNumber = 0,
    identity: Partial<AcsSessionOptions['identity']> = {},
    { takesEnis = true } = {},
  ) {
    this.session = new AcsSession({
      identity: {
        cluster: 'peer',
        containerInstanceArn: INSTANCE,
        agentVersion: '0.1.0',
        agentHash: '00000000',
        dockerVersion: 'containerd',
        userAgent: 'test',
        ...identity,
      },
      intake: this.intake,
      ...(takesEnis && { attachments: this.attachments }),
      credentials: this.credentials,
      manifestNumber: {
        get: () => storedNumber,
        set: async (value) => {
          if (this.persistError !== undefined) throw this.persistError;
          this.persisted.push(value);
        },
      },
      logger: pino({ level: 'debug' }, { write: (line: string) => this.logged.push(JSON.parse(line)) }),
      discover: async () => {
        this.events.push('discover');
        if (this.discoverError !== undefined) throw this.discoverError;
        return { acs: this.endpoint };
      },
      signUpgrade: async (url) => {
        this.events.push('sign');
        return { authorization: `signed ${url.pathname} #${this.events.length}` };
      },
      onHeartbeat: () => {
        this.events.push('heartbeat');
        if (this.heartbeatError !== undefined) throw this.heartbeatError;
      },
      onInactive: () => this.events.push('inactive'),
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

  /** The server sends one message; resolves when it was dealt with. */
  async send(type: string, message: object = {}): Promise<void> {
    this.server.connection.receive(type, message);
    await settle();
  }

  sendPayload(tasks: readonly unknown[], more: object = {}): Promise<void> {
    return this.send('PayloadMessage', { ...ADDRESS, tasks, ...more });
  }

  /** Types that the agent sent on the latest connection. */
  sentTypes(): string[] {
    return this.server.connection.messages().map(({ type }) => type);
  }

  /** Moves on, timer by timer, to the next attempt; the ms that took, at most about `limitMs`. */
  async msToNextAttempt(limitMs: number): Promise<number> {
    const before = this.server.attempts;
    const began = this.clock.now();
    await settle();
    while (this.server.attempts === before && this.clock.now() - began < limitMs)
      await this.clock.advance(this.clock.msToNext ?? limitMs);
    return this.clock.now() - began;
  }
}
