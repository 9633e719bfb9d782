import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs';
import { ensureFifo, type PipeIo } from '../../host/pipe-io.ts';
import type { LogConfig } from '../log-config.ts';
import { type ContainerLogPaths, STREAM_NAMES, type StreamName } from '../log-paths.ts';
import type { CredentialsBroker } from './credentials-broker.ts';
import type { DriverDefinition, LogDriver, SharedMemory } from './driver.ts';
import type { Gap } from './frame.ts';
import { type DropNotice, LogCounters, type LogStatistics } from './log-counters.ts';
import type { OwnLog } from './own-log.ts';
import { type Checkpoint, PositionFile } from './position-file.ts';
import type { ReadinessLoop, Workable } from './readiness-loop.ts';
import type { SendSlots } from './send-slots.ts';
import { Spool } from './spool.ts';
import { firstPosition, type SpoolPosition, SpoolReader } from './spool-reader.ts';

/** Largest piece that is read at once; a FIFO holds no more unless somebody has enlarged it. */
const CHUNK_BYTES = 64 * 1024;
const SEGMENT_BYTES = 1024 * 1024;
/** Below this there is no point in reading: the spool counts as full. */
const MIN_ROOM_BYTES = 4096;
/** What background processes of a container that ended may still write (LOG-166). */
const BACKGROUND_GRACE_MS = 10_000;
/** How long the end of a container waits for what is on disk to reach a destination elsewhere (LOG-78). */
const HANDOVER_MS = 2_000;

/** What all collectors of the service share. */
export interface CollectorServices {
  readonly io: PipeIo;
  readonly loop: ReadinessLoop;
  readonly memory: SharedMemory;
  readonly slots: SendSlots;
  readonly credentials: CredentialsBroker;
  readonly log: OwnLog;
  onDrop(config: LogConfig, notice: DropNotice): void;
  /** A container's log cannot be delivered for now. */
  onTrouble(config: LogConfig, why: string): void;
}

interface Stream {
  readonly name: StreamName;
  readonly fd: number;
  /** There may be something to read. */
  ready: boolean;
  /** What was read last was dropped. */
  gap: Gap;
  /** The spool says so too: the line that had been begun is known to be broken even if nothing comes after. */
  gapMarked: boolean;
  /** After the grace of background processes: bytes that are still read. */
  left: number;
  /** Nothing more is read. */
  ended: boolean;
}

/**
 * Reads one container's FIFOs into its spool and keeps its driver going.
 *
 *   collecting ─finish()─► draining ─(both streams ended)─► delivering ─► ended
 *
 * A stream ends when the container has ended and nobody has the FIFO open for writing any more, or 10 s later.
 * That nobody writes means nothing before: the runtime may not have opened it yet.
 */
export class Collector implements Workable {
  readonly config: LogConfig;
  readonly #services: CollectorServices;
  readonly #paths: ContainerLogPaths;
  readonly #position: PositionFile;
  readonly #spool: Spool;
  readonly #reader: SpoolReader;
  readonly #counters: LogCounters;
  readonly #streams: readonly Stream[];
  readonly #driver: LogDriver;
  readonly #abort = new AbortController();
  #driverReady = true;
  #blockedSince: number | undefined;
  #finish: PromiseWithResolvers<void> | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #handoverTimer: NodeJS.Timeout | undefined;
  #delivering: Promise<void> | undefined;
  #ended = false;
  readonly #delivered = Promise.withResolvers<void>();

  /** Makes the FIFOs and sets up the driver. Rejects with the driver's error, leaving nothing open. */
  static async open(
    config: LogConfig,
    paths: ContainerLogPaths,
    { maxMessageBytes, open: openDriver }: DriverDefinition,
    services: CollectorServices,
    options: { readonly isTakenUp: boolean },
  ): Promise<Collector> {
    const position = new PositionFile(paths.position, maxMessageBytes);
    const from = startOf(position.last);
    const spool = new Spool({ directory: paths.spool, from, io: services.io, segmentBytes: SEGMENT_BYTES });
    const { memory, log, slots, credentials } = services;
    const reader = new SpoolReader(spool, memory.window, config.container.id, from, maxMessageBytes);
    const counters = new LogCounters((notice) => services.onDrop(config, notice));
    let self: Collector | undefined;
    const wake = () => self?.onDriverReady();
    const onTrouble = (why: string) => services.onTrouble(config, why);
    const streams: Stream[] = [];
    let driver: LogDriver | undefined;
    try {
      for (const name of STREAM_NAMES) streams.push(openStream(name, paths.fifos[name]));
      driver = await openDriver({
        ...{ config, paths, spool, reader, position, counters },
        ...{ memory, slots, credentials, log, wake, onTrouble },
        isTakenUp: options.isTakenUp,
      });
      const parts = { position, spool, reader, counters, driver, streams };
      self = new Collector(config, paths, services, parts);
      return self;
    } catch (error) {
      await driver?.close();
      for (const { fd } of streams) closeSync(fd);
      counters.close();
      spool.close();
      position.close();
      throw error;
    }
  }

  private constructor(
    config: LogConfig,
    paths: ContainerLogPaths,
    services: CollectorServices,
    parts: {
      readonly position: PositionFile;
      readonly spool: Spool;
      readonly reader: SpoolReader;
      readonly counters: LogCounters;
      readonly driver: LogDriver;
      readonly streams: readonly Stream[];
    },
  ) {
    this.config = config;
    this.#services = services;
    this.#paths = paths;
    this.#position = parts.position;
    this.#spool = parts.spool;
    this.#reader = parts.reader;
    this.#counters = parts.counters;
    this.#driver = parts.driver;
    this.#streams = parts.streams;
    for (const { fd } of this.#streams) services.loop.watch(fd, this);
    services.loop.schedule(this);
  }

  get ended(): boolean {
    return this.#ended;
  }

  statistics(): LogStatistics {
    return this.#counters.statistics(this.#reader.backlogBytes);
  }

  /** Whether nobody can write and everything is delivered: nothing is lost if the service ends now. */
  isQuiet(): boolean {
    if (this.#ended) return true;
    if (this.#finish !== undefined || this.#reader.backlogBytes > 0 || this.#driver.hasUndelivered())
      return false;
    return this.#streams.every(({ fd }) => this.#services.io.isAtEnd(fd));
  }

  /** Nothing more is read. */
  get streamsEnded(): boolean {
    return this.#streams.every(({ ended }) => ended);
  }

  /** Lines may be in the spool that belong elsewhere. */
  owesDelivery(): boolean {
    return !this.#ended && (this.#driver.hasUndelivered() || this.#isHandedOver);
  }

  /** Counts what is given up. */
  abandon(): void {
    this.#counters.drop('abandoned', 0, this.#reader.backlogBytes);
  }

  onReady(fd: number): void {
    for (const stream of this.#streams) if (stream.fd === fd) stream.ready = true;
  }

  onDriverReady(): void {
    this.#driverReady = true;
    this.#services.loop.schedule(this);
  }

  step(): boolean {
    if (this.#ended || this.#delivering !== undefined) return false;
    for (const stream of this.#streams) if (stream.ready && !stream.ended) this.#read(stream);
    if (this.#driverReady) {
      const result = this.#driver.pump();
      this.#driverReady = result === 'more';
    }
    if (this.streamsEnded) this.#handOver();
    // A driver that delivers elsewhere takes up the rest in its own time.
    if (this.streamsEnded && (this.#reader.backlogBytes === 0 || this.#driver.hasUndelivered())) {
      this.#delivering = this.#deliverRest();
      return false;
    }
    return this.#driverReady || this.#streams.some(({ ready, ended }) => ready && !ended && this.#canRead());
  }

  /**
   * The container has ended: reads to the end of both streams. Resolves when everything is delivered, or is on disk
   * and its destination elsewhere does not take it at once: delivery goes on then.
   */
  finish(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    if (this.#finish === undefined) {
      this.#finish = Promise.withResolvers();
      // Its one owner may have gone with its connection.
      this.#finish.promise.catch(() => {});
      this.#graceTimer = setTimeout(() => this.#endOfGrace(), BACKGROUND_GRACE_MS);
      for (const stream of this.#streams) stream.ready = true;
      this.#services.loop.schedule(this);
    }
    return this.#finish.promise;
  }

  /** Resolves when everything is delivered, for a collector that finishes. */
  get delivered(): Promise<void> {
    return this.#delivered.promise;
  }

  /** Lets go of everything; files and FIFOs stay. */
  async close(): Promise<void> {
    this.#services.loop.forget(this);
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#handoverTimer);
    this.#abort.abort(new Error('the log was closed'));
    this.#finish?.reject(new Error('the log was closed'));
    for (const stream of this.#streams) this.#end(stream);
    await this.#delivering;
    if (this.#ended) return;
    this.#ended = true;
    await this.#closeParts();
  }

  #read(stream: Stream): void {
    const { io } = this.#services;
    const readable = io.bytesReadable(stream.fd);
    if (readable === 0) {
      stream.ready = false;
      if (this.#finish !== undefined && io.isAtEnd(stream.fd)) this.#end(stream);
      return;
    }
    if (!this.#canRead()) {
      this.#blockedSince ??= performance.now();
      return;
    }
    this.#unblock();
    const wanted = Math.min(readable, CHUNK_BYTES, stream.left);
    if (this.#isFull()) this.#discard(stream, wanted, 'ring');
    else this.#keep(stream, Math.min(wanted, this.#room()));
    if (stream.left <= 0) this.#end(stream);
  }

  #keep(stream: Stream, wanted: number): void {
    const { io } = this.#services;
    try {
      const moved = this.#spool.append(stream.name, stream.fd, wanted, io.now(), stream.gap);
      stream.gap = 'none';
      stream.gapMarked = false;
      stream.left -= moved;
      this.#counters.bytesRead += moved;
      this.#services.loop.moved(moved);
      this.#driverReady = true;
    } catch {
      this.#discard(stream, wanted, 'disk');
    }
  }

  /** Keeps the container going when nothing can be kept of what it writes (logging.md §24.7). */
  #discard(stream: Stream, length: number, reason: 'disk' | 'ring'): void {
    if (!stream.gapMarked) stream.gapMarked = this.#markGap(stream);
    const buffer = this.#services.memory.output(CHUNK_BYTES);
    const read = readSync(stream.fd, buffer, 0, length, null);
    let lines = 0;
    for (let at = buffer.indexOf(10); at >= 0 && at < read; at = buffer.indexOf(10, at + 1)) lines += 1;
    if (read > 0) stream.gap = buffer[read - 1] === 10 ? 'line-start' : 'mid-line';
    stream.left -= read;
    this.#counters.bytesRead += read;
    this.#counters.drop(reason, lines, read);
  }

  #markGap(stream: Stream): boolean {
    try {
      this.#spool.markGap(stream.name, this.#services.io.now());
      return true;
    } catch {
      return false;
    }
  }

  /** Bytes that may be added; an empty spool takes a piece of any size. */
  #room(): number {
    const backlog = this.#reader.backlogBytes;
    return backlog === 0 ? CHUNK_BYTES : this.config.bufferBytes - backlog;
  }

  #isFull(): boolean {
    return this.#room() < MIN_ROOM_BYTES;
  }

  #canRead(): boolean {
    return this.config.mode === 'non-blocking' || !this.#isFull();
  }

  #unblock(): void {
    if (this.#blockedSince === undefined) return;
    this.#counters.blockedMs += performance.now() - this.#blockedSince;
    this.#blockedSince = undefined;
  }

  /** Background processes still hold the FIFO: what is in it now is the last that is read. */
  #endOfGrace(): void {
    for (const stream of this.#streams) {
      if (stream.ended) continue;
      stream.left = this.#services.io.bytesReadable(stream.fd);
      stream.ready = true;
      if (stream.left === 0) this.#end(stream);
    }
    this.#services.loop.schedule(this);
  }

  #end(stream: Stream): void {
    if (stream.ended) return;
    stream.ended = true;
    this.#services.loop.unwatch(stream.fd);
    closeSync(stream.fd);
  }

  get #isHandedOver(): boolean {
    return this.#handoverTimer !== undefined;
  }

  /** Nothing more comes: that the FIFOs are gone tells the next run of this service. */
  #handOver(): void {
    if (this.#isHandedOver || !this.#driver.hasUndelivered()) return;
    rmSync(this.#paths.fifoDirectory, { recursive: true, force: true });
    this.#handoverTimer = setTimeout(() => this.#finish?.resolve(), HANDOVER_MS);
  }

  async #deliverRest(): Promise<void> {
    clearTimeout(this.#graceTimer);
    try {
      await this.#driver.finish(this.#abort.signal);
      this.#ended = true;
      clearTimeout(this.#handoverTimer);
      await this.#closeParts();
      this.#spool.remove();
      rmSync(this.#paths.fifoDirectory, { recursive: true, force: true });
      this.#finish?.resolve();
      this.#delivered.resolve();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#services.log.error('the end of a log could not be delivered', error, {
        container: this.config.container.id,
      });
      // Whoever asks again starts another try.
      this.#finish?.reject(error);
      this.#finish = undefined;
      this.#delivering = undefined;
    }
  }

  async #closeParts(): Promise<void> {
    this.#counters.close();
    this.#spool.close();
    await this.#driver.close();
    this.#position.close();
  }
}

function openStream(name: StreamName, path: string): Stream {
  ensureFifo(path, 0o600);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // From now on the kernel reports the absence of writers also if none has come yet.
  closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  return {
    name,
    fd,
    ready: true,
    gap: 'none',
    gapMarked: false,
    left: Number.POSITIVE_INFINITY,
    ended: false,
  };
}

/** A container that is set up again after its end begins a new spool behind the old one. */
function startOf(last: Checkpoint | undefined): SpoolPosition {
  if (last === undefined) return firstPosition(0);
  return last.ended ? firstPosition(last.position.segment + 1) : last.position;
}
