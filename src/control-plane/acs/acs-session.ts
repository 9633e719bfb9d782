import { randomUUID } from 'node:crypto';
import { type AcsAgentMessage, parseAgentFrame } from '../../wire/acs.ts';
import { eniPayload } from '../network-interfaces.ts';
import { credentialsPayload, expirationText, taskPayload } from '../payload/task-payload.ts';
import type { Settings } from '../settings.ts';
import type { Connection } from '../sockets/connection.ts';
import type { CredentialsRecord, OutboxRecord, TaskRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { dropPayloads, nextSequence } from '../tasks/outbox.ts';
import { issueCredentials } from '../tasks/role-credentials.ts';
import { attachmentTimedOut } from '../tasks/task-report.ts';

const MAX_UNACKED_HEARTBEATS = 2;
const CONNECTION_EXPIRED = 'ConnectionExpired: Reconnect to continue';

/** The two roles of a task, and what ACS calls them (acs.md §9.5). */
const ROLES = [
  ['roleCredentials', 'TaskApplication'],
  ['executionRoleCredentials', 'TaskExecution'],
] as const;

export interface AcsSessionOptions {
  readonly containerInstanceArn: string;
  /** The agent has no credentials yet: it just started (acs.md §2). */
  readonly sendCredentials: boolean;
  readonly state: State;
  readonly settings: Settings;
  now(): number;
}

/**
 * One agent's ACS connection (acs.md §13): after the connect the task manifest, waiting payloads and, if asked
 * for, credentials; then heartbeats, payloads as they come, renewals. What is not acked is sent again.
 */
export class AcsSession {
  readonly containerInstanceArn: string;
  readonly #connection: Connection;
  readonly #options: AcsSessionOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  /** When each message of this connection was last sent, by message or credentials id. */
  readonly #sentAt = new Map<string, number>();
  /** Credentials to be sent although the agent acked them in an earlier life. */
  readonly #wantedCredentials = new Set<string>();
  #unackedHeartbeats = 0;

  constructor(connection: Connection, options: AcsSessionOptions) {
    this.containerInstanceArn = options.containerInstanceArn;
    this.#connection = connection;
    this.#options = options;
  }

  start(): void {
    const { settings, sendCredentials } = this.#options;
    this.#sendManifest();
    if (sendCredentials) {
      for (const [, , credentials] of this.#credentials()) {
        this.#wantedCredentials.add(credentials.credentialsId);
      }
    }
    this.wake();
    this.#timers.push(
      setInterval(() => this.#heartbeat(), settings.acsHeartbeatMs),
      setInterval(() => this.#tick(), settings.tickMs),
      setTimeout(() => this.expire(), settings.connectionLifeMs),
    );
  }

  /** Ends the timers; the connection is gone or about to go. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Sends what waits for the instance and is new or due again. */
  wake(): void {
    const { state } = this.#options;
    const waiting = state.outbox
      .filter(({ containerInstanceArn }) => containerInstanceArn === this.containerInstanceArn)
      .sort((a, b) => a.seqNum - b.seqNum);
    for (const payload of waiting) {
      if (this.#due(payload.messageId)) this.#sendPayload(payload);
    }
    this.#pushCredentials();
  }

  receive(frame: string): void {
    const parsed = parseAgentFrame(frame);
    if (parsed.kind === 'message') this.#handle(parsed.message);
  }

  /** Asks the agent to reconnect (acs.md §9.12). */
  expire(): void {
    this.#connection.send('CloseMessage', { message: CONNECTION_EXPIRED });
    this.#connection.close(CONNECTION_EXPIRED);
  }

  #handle({ type, message }: AcsAgentMessage): void {
    switch (type) {
      case 'AckRequest':
        this.#acked(message.messageId ?? '');
        break;
      case 'HeartbeatAckRequest':
        this.#unackedHeartbeats = 0;
        break;
      case 'IAMRoleCredentialsAckRequest':
        this.#credentialsAcked(message.credentialsId ?? '', message.expiration ?? '');
        break;
      case 'TaskStopVerificationMessage':
        this.#verifyStops(
          message.messageId ?? '',
          (message.stopCandidates ?? []).map(({ taskArn }) => taskArn ?? ''),
        );
        break;
      case 'NackRequest':
        // Only updates are nacked, and this server sends none.
        break;
    }
  }

  #tick(): void {
    this.#renewCredentials();
    this.#endUnattached();
    this.wake();
  }

  /** Tasks whose ENI was not seen in time. */
  #endUnattached(): void {
    const { state, now } = this.#options;
    const late = this.#tasks().filter(
      ({ lastStatus, networkInterface }) =>
        lastStatus === 'PROVISIONING' && (networkInterface?.waitsUntil ?? Infinity) < now(),
    );
    if (late.length === 0) return;
    state.transaction(() => {
      for (const task of late) {
        state.tasks.put(task.taskArn, attachmentTimedOut(task, now()));
        dropPayloads(state, task.taskArn);
      }
    });
  }

  #heartbeat(): void {
    if (this.#unackedHeartbeats >= MAX_UNACKED_HEARTBEATS) {
      this.#connection.close('HeartbeatAcksMissing: Reconnect to continue');
      return;
    }
    this.#unackedHeartbeats += 1;
    this.#connection.send('HeartbeatMessage', { healthy: true, messageId: randomUUID() });
  }

  #sendManifest(): void {
    const { state } = this.#options;
    const timeline = state.transaction(() => nextSequence(state, this.containerInstanceArn));
    const tasks = this.#tasks().map(({ taskArn, clusterArn, desiredStatus }) => ({
      taskArn,
      taskClusterArn: clusterArn,
      desiredStatus,
    }));
    this.#connection.send('TaskManifestMessage', {
      ...this.#addressed(),
      messageId: randomUUID(),
      timeline,
      tasks,
    });
  }

  #sendPayload(payload: OutboxRecord): void {
    const { state, settings } = this.#options;
    const task = state.tasks.get(payload.taskArn);
    const definition = task && state.taskDefinitions.get(task.taskDefinitionArn);
    if (task === undefined || definition === undefined) return;
    this.#sentAt.set(payload.messageId, this.#options.now());
    if (payload.content === 'attach') {
      this.#sendAttachment(payload, task);
      return;
    }
    this.#connection.send('PayloadMessage', {
      ...this.#addressed(),
      messageId: payload.messageId,
      seqNum: payload.seqNum,
      tasks: [taskPayload(task, definition, settings)],
    });
  }

  #sendAttachment({ messageId }: OutboxRecord, { taskArn, clusterArn, networkInterface }: TaskRecord): void {
    if (networkInterface === undefined) return;
    this.#connection.send('AttachTaskNetworkInterfacesMessage', {
      ...this.#addressed(),
      messageId,
      taskArn,
      taskClusterArn: clusterArn,
      waitTimeoutMs: Math.max(1, networkInterface.waitsUntil - this.#options.now()),
      elasticNetworkInterfaces: [eniPayload(networkInterface)],
    });
  }

  #acked(messageId: string): void {
    const { state } = this.#options;
    this.#sentAt.delete(messageId);
    const payload = state.outbox.get(messageId);
    if (payload?.containerInstanceArn !== this.containerInstanceArn) return;
    state.transaction(() => {
      state.outbox.delete(messageId);
      const task = state.tasks.get(payload.taskArn);
      const isPayload = payload.content === 'payload';
      if (task !== undefined && isPayload) state.tasks.put(task.taskArn, { ...task, delivered: true });
    });
  }

  /** Of what the agent would stop, all that is not wanted RUNNING on this instance (acs.md §9.7). */
  #verifyStops(messageId: string, candidates: readonly string[]): void {
    const wanted = new Set(
      this.#tasks()
        .filter(({ desiredStatus }) => desiredStatus === 'RUNNING')
        .map(({ taskArn }) => taskArn),
    );
    const stopTasks = candidates
      .filter((taskArn) => !wanted.has(taskArn))
      .map((taskArn) => ({ taskArn, desiredStatus: 'STOPPED' }));
    this.#connection.send('TaskStopVerificationAck', {
      messageId,
      generatedAt: this.#options.now(),
      stopTasks,
    });
  }

  #pushCredentials(): void {
    for (const [task, roleType, credentials] of this.#credentials()) {
      const { credentialsId, expiresAt, ackedExpiresAt } = credentials;
      const wanted = this.#wantedCredentials.has(credentialsId) || ackedExpiresAt !== expiresAt;
      if (!wanted || !this.#due(`${credentialsId}/${expiresAt}`)) continue;
      this.#sentAt.set(`${credentialsId}/${expiresAt}`, this.#options.now());
      this.#connection.send('IAMRoleCredentialsMessage', {
        messageId: randomUUID(),
        taskArn: task.taskArn,
        taskClusterArn: task.clusterArn,
        roleType,
        roleCredentials: credentialsPayload(credentials),
      });
    }
  }

  #credentialsAcked(credentialsId: string, expiration: string): void {
    const { state } = this.#options;
    for (const task of this.#tasks()) {
      for (const [role] of ROLES) {
        const credentials = task[role];
        if (credentials?.credentialsId !== credentialsId) continue;
        if (expirationText(credentials.expiresAt) !== expiration) return;
        this.#wantedCredentials.delete(credentialsId);
        this.#sentAt.delete(`${credentialsId}/${credentials.expiresAt}`);
        const acked = { ...credentials, ackedExpiresAt: credentials.expiresAt };
        state.transaction(() => state.tasks.put(task.taskArn, { ...task, [role]: acked }));
        return;
      }
    }
  }

  #renewCredentials(): void {
    const { state, settings } = this.#options;
    const now = this.#options.now();
    const ending = this.#tasks().filter((task) =>
      ROLES.some(([role]) => (task[role]?.expiresAt ?? Infinity) - now <= settings.credentialsRenewMs),
    );
    if (ending.length === 0) return;
    state.transaction(() => {
      for (const task of ending) {
        const renewed = ROLES.flatMap(([role]) => {
          const old = task[role];
          if (old === undefined) return [];
          return [[role, issueCredentials(old.roleArn, now, settings.credentialsLifeMs, old.credentialsId)]];
        });
        state.tasks.put(task.taskArn, { ...task, ...Object.fromEntries(renewed) });
      }
    });
  }

  /** Credentials of the tasks that the agent has; those of the others travel in their payloads. */
  #credentials(): (readonly [TaskRecord, string, CredentialsRecord])[] {
    return this.#tasks()
      .filter(({ delivered }) => delivered)
      .flatMap((task) =>
        ROLES.flatMap(([role, roleType]) => {
          const credentials = task[role];
          return credentials === undefined ? [] : [[task, roleType, credentials] as const];
        }),
      );
  }

  #tasks(): TaskRecord[] {
    return this.#options.state.tasks.filter(
      (task) => task.containerInstanceArn === this.containerInstanceArn && task.lastStatus !== 'STOPPED',
    );
  }

  #due(key: string): boolean {
    const sentAt = this.#sentAt.get(key);
    return sentAt === undefined || this.#options.now() - sentAt >= this.#options.settings.resendMs;
  }

  #addressed() {
    const instance = this.#options.state.instances.get(this.containerInstanceArn);
    return {
      clusterArn: instance?.clusterArn ?? '',
      containerInstanceArn: this.containerInstanceArn,
      generatedAt: this.#options.now(),
    };
  }
}
