import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { withDeadline } from '../../async/deadline.ts';
import { type ContainerId, containerId } from '../../task/ids.ts';
import type { LogTotals } from '../container-logs.ts';
import { type LogConfig, parseLogConfig } from '../log-config.ts';
import {
  type ContainerLogPaths,
  containerLogPaths,
  type LogDirectories,
  logsDirectory,
} from '../log-paths.ts';
import type { ListedLog, SecretsAnswer } from '../protocol.ts';
import { Collector, type CollectorServices } from './collector.ts';
import type { DriverDefinition } from './driver.ts';
import { DriverTotals } from './driver-totals.ts';
import { DRIVERS } from './drivers.ts';
import type { LogStatistics } from './log-counters.ts';
import { readCheckpoint } from './position-file.ts';
import type { SecretOptions, SecretValues } from './secret-options.ts';
import { WaitingLogs } from './waiting-logs.ts';

/** For so long the log of a container that was removed waits for its destination. */
const KEPT_AFTER_REMOVAL_MS = 60 * 60_000;

/** A driver could not be made ready; the message is the driver's own. */
export class DriverSetUpError extends Error {
  override readonly name = 'DriverSetUpError';
}

/** What the service needs beside what collectors share. */
export interface LogServiceServices extends CollectorServices {
  readonly secrets: SecretOptions;
  /** Asks the agents for the values of a container's secret options. */
  onSecretsNeeded(config: LogConfig): void;
}

/** All containers' logs of one host. The directories are its memory: it goes on from them after any end. */
export class LogService {
  readonly #directories: LogDirectories;
  readonly #services: LogServiceServices;
  readonly #collectors = new Map<ContainerId, Collector>();
  /** Of collectors that are gone. */
  readonly #totals = new DriverTotals();
  /** One call a container at a time. */
  readonly #queues = new Map<ContainerId, Promise<unknown>>();

  /** Those of an earlier run that lack a secret. */
  readonly #waiting: WaitingLogs;

  constructor(directories: LogDirectories, services: LogServiceServices) {
    this.#directories = directories;
    this.#services = services;
    this.#waiting = new WaitingLogs((config) => services.onSecretsNeeded(config));
    mkdirSync(logsDirectory(directories), { recursive: true, mode: 0o700 });
  }

  /** Takes up every container that the last run was collecting. */
  async adopt(): Promise<void> {
    for (const id of this.#present()) await this.#takeUp(id);
    this.#services.secrets.sweep((name) => existsSync(join(logsDirectory(this.#directories), name)));
  }

  /** An agent is here: those that lack a secret need not wait until they ask again by themselves. */
  askForSecrets(): void {
    this.#waiting.askAgain();
  }

  /** What an agent has of a container's secrets. Those that wait for them go on. */
  async secretsAnswered(id: ContainerId, answer: SecretsAnswer): Promise<void> {
    if ('refusal' in answer) {
      const why = answer.refusal;
      if (this.#waiting.isNews(id, why))
        this.#services.log.warn('a container log waits for the values of its secret options', {
          container: id,
          why,
        });
      return;
    }
    await this.#inTurn(id, async () => {
      if (!this.#waiting.has(id)) return;
      this.#services.secrets.put(id, answer.values);
      const hasEnded = this.#waiting.release(id);
      await this.#takeUp(id);
      if (hasEnded)
        this.#collectors
          .get(id)
          ?.finish()
          .catch(() => {});
    });
  }

  /** Makes FIFOs, with a reader behind them, and sets up the driver. Rejects with DriverSetUpError. */
  prepare(
    config: LogConfig,
    secrets: SecretValues,
  ): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const { id } = config.container;
    return this.#inTurn(id, async () => {
      const paths = this.#paths(id);
      const present = this.#collectors.get(id);
      if (present !== undefined && !present.ended && !present.streamsEnded) return paths.fifos;
      // It runs again under its name: what is left of the run before goes first.
      this.#collectors.delete(id);
      await this.#retire(present);
      this.#waiting.release(id);
      rmSync(paths.removed, { force: true });
      const isNew = !existsSync(paths.config);
      const driver = driverOf(config);
      mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
      if (config.secretOptions !== undefined) this.#services.secrets.put(id, secrets);
      writeConfig(paths, config);
      try {
        await this.#open(config, driver, false);
      } catch (error) {
        rmSync(paths.fifoDirectory, { recursive: true, force: true });
        if (isNew) {
          this.#services.secrets.remove(id);
          rmSync(paths.directory, { recursive: true, force: true });
        }
        throw error;
      }
      return paths.fifos;
    });
  }

  /** The container has ended. Resolves when its log is whole; at once when it is not collected. */
  async finish(id: ContainerId): Promise<void> {
    await this.#inTurn(id, async () => {
      if (!this.#collectors.has(id)) await this.#takeUp(id);
      this.#waiting.finish(id);
    });
    await this.#collectors.get(id)?.finish();
  }

  /** Deletes a container's log with everything; what belongs elsewhere is delivered before that, in the background. */
  remove(id: ContainerId): Promise<void> {
    return this.#inTurn(id, async () => {
      const collector = this.#collectors.get(id);
      const paths = this.#paths(id);
      if (collector?.owesDelivery() !== true && !this.#waiting.has(id)) return await this.#delete(id);
      if (!existsSync(paths.removed)) writeFileSync(paths.removed, '');
      if (collector === undefined) return this.#giveUpLater(id);
      this.#deleteWhenDelivered(id, collector);
    });
  }

  /** The container is gone, and the secrets without which its log cannot be delivered have not come. */
  #giveUpLater(id: ContainerId): void {
    const { log } = this.#services;
    this.#waiting.giveUpAfter(id, this.#leftMs(id), () => {
      log.warn('the log of a removed container is given up: its secrets did not come', { container: id });
      this.#inTurn(id, () => this.#delete(id)).catch((error: unknown) =>
        log.error('a log cannot be deleted', error, { container: id }),
      );
    });
  }

  /** How long the log of a removed container is still kept, ms. */
  #leftMs(id: ContainerId): number {
    return KEPT_AFTER_REMOVAL_MS - (Date.now() - statSync(this.#paths(id).removed).mtimeMs);
  }

  #deleteWhenDelivered(id: ContainerId, collector: Collector): void {
    const { log } = this.#services;
    const leftMs = this.#leftMs(id);
    const { container, taskArn } = collector.config;
    collector.finish().catch(() => {});
    void withDeadline('delivering a log', Math.max(0, leftMs), undefined, () => collector.delivered)
      .catch(() => {
        collector.abandon();
        log.warn('the log of a removed container is given up', { container: container.id, taskArn });
      })
      .then(() => this.#inTurn(id, () => this.#delete(id)))
      .catch((error: unknown) => log.error('a log cannot be deleted', error, { container: id }));
  }

  async #delete(id: ContainerId): Promise<void> {
    const collector = this.#collectors.get(id);
    this.#collectors.delete(id);
    await this.#retire(collector);
    this.#waiting.release(id);
    this.#waiting.letGo(id);
    this.#services.secrets.remove(id);
    const paths = this.#paths(id);
    rmSync(paths.fifoDirectory, { recursive: true, force: true });
    rmSync(paths.directory, { recursive: true, force: true });
  }

  /** Lets go of a collector; what it has counted stays. */
  async #retire(collector: Collector | undefined): Promise<void> {
    if (collector === undefined) return;
    await collector.close();
    this.#totals.add(collector);
  }

  list(): ListedLog[] {
    return this.#present()
      .filter((id) => !existsSync(this.#paths(id).removed))
      .map((id) => {
        const collector = this.#collectors.get(id);
        const isCollected = collector === undefined ? this.#waiting.has(id) : !collector.streamsEnded;
        return !isCollected ? { id } : { id, fifos: this.#paths(id).fifos };
      });
  }

  statistics(): Record<string, LogStatistics> {
    return Object.fromEntries([...this.#collectors].map(([id, collector]) => [id, collector.statistics()]));
  }

  totals(): Readonly<Record<string, LogTotals>> {
    return this.#totals.with([...this.#collectors.values()]);
  }

  /** Whether no container writes and everything is delivered. */
  isQuiet(): boolean {
    return (
      this.#waiting.size === 0 && [...this.#collectors.values()].every((collector) => collector.isQuiet())
    );
  }

  /** Goes on with what is on disk. A log that cannot be taken up is told of and left as it is. */
  async #takeUp(id: ContainerId): Promise<void> {
    const paths = this.#paths(id);
    try {
      if (!existsSync(paths.config)) return;
      const config = parseLogConfig(JSON.parse(readFileSync(paths.config, 'utf8')));
      const driver = driverOf(config);
      if (readCheckpoint(paths.position, driver.maxMessageBytes)?.ended === true) {
        if (existsSync(paths.removed)) await this.#delete(id);
        return;
      }
      if (this.#lacksSecrets(config)) {
        this.#waiting.add(config, paths);
        if (existsSync(paths.removed)) this.#giveUpLater(id);
        return;
      }
      const fifosAreThere = existsSync(paths.fifos.stdout) && existsSync(paths.fifos.stderr);
      const collector = await this.#open(config, driver, true);
      // It had ended, or the host was restarted: nobody can have opened the new FIFOs.
      if (!fifosAreThere) collector.finish().catch(() => {});
      if (existsSync(paths.removed)) this.#deleteWhenDelivered(id, collector);
    } catch (error) {
      this.#services.log.error('a container log cannot be taken up', error, { container: id });
    }
  }

  #lacksSecrets({ container, secretOptions = [] }: LogConfig): boolean {
    return secretOptions.length > 0 && this.#services.secrets.get(container.id, secretOptions) === undefined;
  }

  /** The driver alone gets the secret options, in memory. */
  async #open(config: LogConfig, driver: DriverDefinition, isTakenUp: boolean): Promise<Collector> {
    const { container, secretOptions = [] } = config;
    const { id } = container;
    const { secrets } = this.#services;
    const paths = this.#paths(id);
    mkdirSync(paths.fifoDirectory, { recursive: true, mode: 0o700 });
    const values = secretOptions.length === 0 ? {} : secrets.get(id, secretOptions);
    if (values === undefined) throw new DriverSetUpError('values of its secret options are missing');
    const whole = { ...config, options: { ...config.options, ...values } };
    const opened = Collector.open(whole, paths, driver, this.#services, { isTakenUp });
    const collector = await opened.catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      throw new DriverSetUpError(secrets.hidden.in(message), { cause: error });
    });
    this.#collectors.set(id, collector);
    this.#waiting.letGo(id);
    return collector;
  }

  /** Those on disk, and those that are collected though somebody has deleted their folders. */
  #present(): ContainerId[] {
    const folder = logsDirectory(this.#directories);
    const onDisk = (existsSync(folder) ? readdirSync(folder) : []).flatMap((name) => {
      try {
        return [containerId(name)];
      } catch {
        return [];
      }
    });
    return [...new Set([...onDisk, ...this.#collectors.keys()])];
  }

  #paths(id: ContainerId): ContainerLogPaths {
    return containerLogPaths(this.#directories, id);
  }

  async #inTurn<T>(id: ContainerId, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(id);
    const result = (before ?? Promise.resolve()).then(work, work);
    this.#queues.set(id, result);
    try {
      return await result;
    } finally {
      if (this.#queues.get(id) === result) this.#queues.delete(id);
    }
  }
}

function driverOf({ driver }: LogConfig): DriverDefinition {
  const found = Object.hasOwn(DRIVERS, driver) ? DRIVERS[driver] : undefined;
  if (found === undefined) throw new DriverSetUpError(`the log service has no driver "${driver}"`);
  return found;
}

/** Written before the container exists, so that no container's log is forgotten (logging.md §24.1). */
function writeConfig({ config: path, directory }: ContainerLogPaths, config: LogConfig): void {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(fd, `${JSON.stringify(config, undefined, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const parent = openSync(directory, 'r');
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}
