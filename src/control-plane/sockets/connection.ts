import type { WebSocket } from 'ws';

const NORMAL_CLOSURE = 1000;
/** A peer that does not complete the close in this time is cut off. */
const CLOSE_TIMEOUT_MS = 5_000;

/** The part that ACS and TCS sockets share: JSON text frames out, text frames in, an orderly end. */
export class Connection {
  readonly #socket: WebSocket;
  #closing = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Sends one message (acs.md §4); dropped when the socket is closing, as acks and resends make up for it. */
  send(type: string, message: object): void {
    if (this.#closing || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(JSON.stringify({ type, message }));
  }

  /** Calls `receive` with the text of each frame, `ended` once when the socket is gone. */
  listen(receive: (frame: string) => void, ended: () => void): void {
    this.#socket.on('message', (data) => receive(data.toString()));
    // An error is followed by a close; without a listener it would end the process.
    this.#socket.on('error', () => this.#socket.terminate());
    this.#socket.on('close', () => {
      this.#closing = true;
      ended();
    });
  }

  /** Says goodbye with close code 1000: the agent reconnects at once (acs.md §6). */
  close(reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.close(NORMAL_CLOSURE, reason);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
    timer.unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this.#closing = true;
    this.#socket.terminate();
  }
}
