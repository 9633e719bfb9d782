import { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { Client, type ClientReadableStream } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import type { TracedCall } from './traced-calls.ts';

/*
 * Loaded into an agent before everything else (`node --import`): writes a line for each call of it to somebody else
 * (containerd, the store's disk, the log service, programs, ECS) into the file that BENCH_TRACE_FILE names.
 */

const file = process.env.BENCH_TRACE_FILE ?? '/dev/null';
const lines: string[] = [];

function note(who: TracedCall['who'], name: string, begun: number): void {
  const call: TracedCall = { who, name, at: performance.timeOrigin + begun, ms: performance.now() - begun };
  if (lines.push(`${JSON.stringify(call)}\n`) > 1) return;
  // Not between two calls of a start.
  setTimeout(() => appendFileSync(file, lines.splice(0).join('')), 50).unref();
}

/** `/containerd.services.tasks.v1.Tasks/Create` as `Tasks/Create`. */
const shortPath = (path: string) => path.slice(path.lastIndexOf('.') + 1);

const { makeUnaryRequest, makeServerStreamRequest } = Client.prototype;
Client.prototype.makeUnaryRequest = function traced(this: Client, ...args: unknown[]) {
  const begun = performance.now();
  const [path, answered] = [shortPath(String(args[0])), args.pop() as (...result: unknown[]) => void];
  args.push((...result: unknown[]) => {
    note('containerd', path, begun);
    answered(...result);
  });
  return Reflect.apply(makeUnaryRequest, this, args);
} as typeof makeUnaryRequest;
Client.prototype.makeServerStreamRequest = function traced(this: Client, ...args: unknown[]) {
  const begun = performance.now();
  const stream: ClientReadableStream<unknown> = Reflect.apply(makeServerStreamRequest, this, args);
  return stream.once('end', () => note('containerd', shortPath(String(args[0])), begun));
} as typeof makeServerStreamRequest;

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function traced(this: DatabaseSync, sql: string) {
  const begun = performance.now();
  exec.call(this, sql);
  if (sql.startsWith('COMMIT')) note('store', 'commit', begun);
};

const { spawn } = ChildProcess.prototype as ChildProcess & { spawn(options: { file: string }): number };
Object.assign(ChildProcess.prototype, {
  spawn(this: ChildProcess, options: { file: string }) {
    const begun = performance.now();
    this.once('exit', () => note('program', options.file.slice(options.file.lastIndexOf('/') + 1), begun));
    return Reflect.apply(spawn, this, [options]);
  },
});

/** Requests under way over sockets that carry lines of JSON, by their number. */
const asked = new WeakMap<Socket, Map<number, { readonly name: string; readonly begun: number }>>();
const { write, emit } = Socket.prototype;
Socket.prototype.write = function traced(this: Socket, ...args: unknown[]) {
  const request = /^\{"id":(\d+),"method":"(\w+)"/.exec(String(args[0]).slice(0, 80));
  if (request !== null) {
    const under = asked.get(this) ?? new Map();
    asked.set(this, under.set(Number(request[1]), { name: request[2], begun: performance.now() }));
  }
  return Reflect.apply(write, this, args);
} as typeof write;
Socket.prototype.emit = function traced(this: Socket, ...args: unknown[]) {
  const under = asked.get(this);
  if (under !== undefined && args[0] === 'data')
    for (const [, id] of String(args[1]).matchAll(/^\{"id":(\d+)/gm)) {
      const request = under.get(Number(id));
      if (request !== undefined) note('log service', request.name, request.begun);
    }
  return Reflect.apply(emit, this, args);
} as typeof emit;

const emitOfWebSocket = WebSocket.prototype.emit;
WebSocket.prototype.emit = function traced(this: WebSocket, ...args: unknown[]) {
  if (args[0] !== 'message') return Reflect.apply(emitOfWebSocket, this, args);
  const begun = performance.now();
  const result = Reflect.apply(emitOfWebSocket, this, args);
  note('agent', 'message of ACS', begun);
  return result;
} as typeof emitOfWebSocket;

const requests = new WeakMap<ClientRequest, number>();
const requestOf = (message: unknown) => (message as { readonly request: ClientRequest }).request;
subscribe('http.client.request.start', (message) => requests.set(requestOf(message), performance.now()));
subscribe('http.client.response.finish', (message) => {
  const request = requestOf(message);
  const target = String(request.getHeader('x-amz-target') ?? request.path);
  note('ECS', target.slice(target.lastIndexOf('.') + 1), requests.get(request) ?? performance.now());
});
