import { createServer, type Server, type Socket } from 'node:net';
import { addLoopbackAddress, listenHere } from '../../host/loopback-socket.ts';
import { NetlinkError } from '../../host/netlink.ts';
import { inNetworkNamespace } from '../../host/netns.ts';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import type { TaskId } from '../../task/ids.ts';
import { ENDPOINT_ADDRESS, LISTENER_PORT } from './endpoint-address.ts';
import { ensureEndpointRule } from './endpoint-rule.ts';
import { makeNamespaceRule } from './namespace-rule.ts';

/** Takes a connection that came from inside a task's namespace; who calls is certain. */
export type TakeConnection = (socket: Socket, task: TaskId) => void;

interface Open {
  readonly task: TaskId;
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

/** Name of the table in the task's namespace; nobody else's are there. */
const TABLE = 'ecs_endpoint';

/**
 * Makes 169.254.170.2:80 answer inside network namespaces: the address on `lo`, a listener of this process, one
 * packet filter rule. All of it lives and ends with the namespace but the listener and its connections: those keep
 * it alive, so `close` comes before the namespace is taken down.
 */
export class NamespaceEndpoints {
  readonly #take: TakeConnection;
  readonly #run: RunCommand;
  readonly #open = new Map<string, Open>();

  constructor(take: TakeConnection, run: RunCommand = runCommand) {
    this.#take = take;
    this.#run = run;
  }

  /** Opens it in the namespace at `netns` before anything of the task runs there; open already: success. */
  async open(netns: string, task: TaskId, { signal }: { signal: AbortSignal }): Promise<void> {
    this.listen(netns, task);
    if (isRuleMade(netns)) return;
    // A child is in the namespace of the thread that starts it.
    const run: RunCommand = (...args) => inNetworkNamespace(netns, () => this.#run(...args));
    await ensureEndpointRule(TABLE, 'namespace', { run, signal });
  }

  /** The listener alone, for a namespace that was opened by an earlier run of the agent. Never yields. */
  listen(netns: string, task: TaskId): void {
    if (this.#open.has(netns)) return;
    const fd = inNetworkNamespace(netns, () => {
      addLoopbackAddress(ENDPOINT_ADDRESS);
      return listenHere(ENDPOINT_ADDRESS, LISTENER_PORT, 'lo');
    });
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      this.#take(socket, task);
    });
    server.listen({ fd });
    this.#open.set(netns, { task, server, sockets });
  }

  /** Lets go of a namespace, also of a connection in the middle of an answer. Not open: nothing happens. */
  close(netns: string): void {
    const open = this.#open.get(netns);
    if (open === undefined) return;
    this.#open.delete(netns);
    open.server.close();
    for (const socket of open.sockets) socket.destroy();
  }

  closeAll(): void {
    for (const netns of [...this.#open.keys()]) this.close(netns);
  }
}

/** False: this kernel wants it made in another way, or a program has to say what is wrong. */
function isRuleMade(netns: string): boolean {
  try {
    inNetworkNamespace(netns, () => makeNamespaceRule(TABLE));
    return true;
  } catch (error) {
    if (error instanceof NetlinkError) return false;
    throw error;
  }
}
