import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AgentView } from './agent-view.ts';
import {
  agentDocument,
  findTask,
  metadataDocument,
  NO_TASK,
  taskDocument,
} from './introspection-documents.ts';

/** Port of the introspection API (users and tools know it). */
export const INTROSPECTION_PORT = 51_678;

/** Where the API is served: always on a unix socket, and on loopback where the port is free. */
export interface IntrospectionOptions {
  readonly socketPath: string;
  /** Absent: no TCP listener. */
  readonly port?: number;
  view(): AgentView;
  /** The port is taken, e.g. by a second agent: the socket still serves. */
  onPortTaken(error: Error): void;
}

export interface IntrospectionServer {
  close(): Promise<void>;
}

const COMMANDS = ['/v1/metadata', '/v1/tasks', '/license'];

/** Serves what the agent knows of itself and its tasks; read-only. */
export async function serveIntrospection(options: IntrospectionOptions): Promise<IntrospectionServer> {
  rmSync(options.socketPath, { force: true });
  const servers = [await listen(options, options.socketPath)];
  if (options.port !== undefined)
    try {
      servers.push(await listen(options, options.port));
    } catch (error) {
      options.onPortTaken(error instanceof Error ? error : new Error(String(error)));
    }
  return {
    close: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

async function listen(options: IntrospectionOptions, where: string | number): Promise<Server> {
  const server = createServer((request, response) => answer(options.view(), request, response));
  if (typeof where === 'string') server.listen(where);
  else server.listen(where, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

function answer(view: AgentView, request: IncomingMessage, response: ServerResponse): void {
  const found = route(view, new URL(request.url ?? '/', 'http://localhost'));
  const type = found === undefined ? 'text/plain; charset=utf-8' : 'application/json';
  response.writeHead(found?.status ?? 200, { 'content-type': type });
  response.end(JSON.stringify(found === undefined ? { AvailableCommands: COMMANDS } : found.body));
}

/** Undefined for an unknown path, which is answered with the list of commands (OBS-114). */
function route(view: AgentView, url: URL): Answer | undefined {
  switch (url.pathname) {
    case '/v1/metadata':
      return { status: 200, body: metadataDocument(view) };
    case '/v1/agent':
      return { status: 200, body: agentDocument(view) };
    case '/v1/tasks':
      return tasks(view, url.searchParams);
    default:
      return undefined;
  }
}

/** More than one filter is refused (OBS-118); without one all tasks are listed. */
function tasks(view: AgentView, query: URLSearchParams): Answer {
  const filters = ['taskarn', 'dockerid', 'shortid'].filter((name) => query.has(name));
  if (filters.length > 1) return { status: 400, body: NO_TASK };
  if (filters.length === 0) return { status: 200, body: { Tasks: view.tasks.map(taskDocument) } };
  const task = findTask(view, query);
  return task === undefined ? { status: 404, body: NO_TASK } : { status: 200, body: taskDocument(task) };
}
