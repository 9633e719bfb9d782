import { pino } from 'pino';
import { AcsSession, type AcsSessionOptions } from '../../../src/acs/session.ts';
import { type Clock, systemClock } from '../../../src/async/clock.ts';
import { RequestSigner } from '../../../src/aws/signing.ts';
import { CredentialsStore } from '../../../src/credentials/credentials-store.ts';
import { RecordedIntake } from '../../unit/acs/recorded-intake.ts';
import { SessionServer } from './session-server.ts';

export const KEY = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI',
  sessionToken: 'the-token',
};
export const REGION = 'us-west-2';
export const INSTANCE =
  'arn:aws:ecs:us-west-2:123456789012:container-instance/peer/940f6ece81778dfcad53282da73c33ce';

export const signer = (key: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) =>
  new RequestSigner({ credentials: { get: async () => key }, region: REGION, service: 'ecs' });

/** The machine's clock, which also tells what it was asked to wait for; backoffs never end when `still`. */
export class WatchedClock implements Clock {
  /** Delays of 200 ms to 1 s: nothing but the first backoffs. */
  readonly backoffs: number[] = [];
  still = false;

  now(): number {
    return systemClock.now();
  }

  after(ms: number, run: () => void): () => void {
    if (ms < 200 || ms > 1_000) return systemClock.after(ms, run);
    this.backoffs.push(ms);
    return this.still ? () => {} : systemClock.after(ms, run);
  }
}

/** A session on a real server and real sockets; only the engine is played. */
export class SessionStage implements AsyncDisposable {
  readonly server: SessionServer;
  readonly intake = new RecordedIntake();
  readonly credentials = new CredentialsStore();
  readonly events: string[] = [];
  readonly clock = new WatchedClock();
  readonly session: AcsSession;

  private constructor(server: SessionServer, options: Partial<AcsSessionOptions>) {
    this.server = server;
    const signing = signer(KEY);
    this.session = new AcsSession({
      identity: {
        cluster: 'peer',
        containerInstanceArn: INSTANCE,
        agentVersion: '0.1.0',
        agentHash: '00000000',
        dockerVersion: 'containerd',
        userAgent: 'ECS containerd agent - v0.1.0',
      },
      intake: this.intake,
      credentials: this.credentials,
      manifestNumber: { get: () => 0, set: async () => {} },
      logger: pino({ level: 'silent' }),
      discover: async () => ({ acs: server.endpoint('/acs/') }),
      signUpgrade: (url, signal) => signing.signUpgrade(url, { signal }),
      clock: this.clock,
      onHeartbeat: () => this.events.push('heartbeat'),
      onInactive: () => this.events.push('inactive'),
      ...options,
    });
  }

  static async start(options: Partial<AcsSessionOptions> = {}): Promise<SessionStage> {
    const stage = new SessionStage(await SessionServer.start(), options);
    stage.session.start();
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.stop();
    await this.server.close();
  }
}
