import type { AcsSession } from '../acs/acs-session.ts';
import type { Agents } from '../operation.ts';
import type { TcsSession } from '../tcs/tcs-session.ts';
import type { Connection } from './connection.ts';

interface Live<S> {
  readonly session: S;
  readonly connection: Connection;
}

/** The agents' open connections: at most one of each channel an instance, a newer one takes its place. */
export class AgentConnections implements Agents {
  readonly #acs = new Map<string, Live<AcsSession>>();
  readonly #tcs = new Map<string, Live<TcsSession>>();

  isConnected(containerInstanceArn: string): boolean {
    return this.#acs.has(containerInstanceArn);
  }

  wake(containerInstanceArn: string): void {
    this.#acs.get(containerInstanceArn)?.session.wake();
  }

  disconnect(containerInstanceArn: string): void {
    this.#acs.get(containerInstanceArn)?.session.expire();
    this.#tcs.get(containerInstanceArn)?.connection.close('the container instance was deregistered');
  }

  addAcs(session: AcsSession, connection: Connection): void {
    this.#add(this.#acs, session, connection);
  }

  addTcs(session: TcsSession, connection: Connection): void {
    this.#add(this.#tcs, session, connection);
  }

  /** Cuts every connection, as a server that dies does. */
  terminateAll(): void {
    for (const { session, connection } of [...this.#acs.values(), ...this.#tcs.values()]) {
      session.stop();
      connection.terminate();
    }
    this.#acs.clear();
    this.#tcs.clear();
  }

  #add<S extends AcsSession | TcsSession>(
    live: Map<string, Live<S>>,
    session: S,
    connection: Connection,
  ): void {
    const arn = session.containerInstanceArn;
    const old = live.get(arn);
    live.set(arn, { session, connection });
    old?.session.stop();
    old?.connection.terminate();
    connection.listen(
      (frame) => session.receive(frame),
      () => {
        session.stop();
        if (live.get(arn)?.session === session) live.delete(arn);
      },
    );
    session.start();
  }
}
