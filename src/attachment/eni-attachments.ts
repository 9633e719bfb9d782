import type { Logger } from 'pino';
import { Backoff, type BackoffOptions } from '../async/backoff.ts';
import { type Clock, sleepOn, systemClock } from '../async/clock.ts';
import { type EcsApi, EcsApiError } from '../ecs/ecs-api.ts';
import type { Store } from '../store/store.ts';
import type { EniAttachment } from '../task/eni-attachment.ts';
import type { TaskArn } from '../task/ids.ts';
import type { AttachmentIntake } from './attachment-intake.ts';

export interface EniAttachmentsOptions {
  readonly store: Pick<Store, 'commit'>;
  readonly api: Pick<EcsApi, 'submitAttachment'>;
  readonly cluster: string;
  /** Whether the host has the device of an ENI at the moment; only reads. */
  hasDevice(macAddress: string): boolean;
  knowsTask(arn: TaskArn): boolean;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** A look costs a fraction of a millisecond, and there are looks only while something is awaited. */
const LOOK_MS = 100;
/** Between two tries of one report, on top of the client's own retries (ecs-api.md §C5). */
const RETRY: BackoffOptions = { minMs: 1_000, maxMs: 30_000, factor: 1.3, jitter: 0.2 };
/** What ECS says of a report that it will never take. */
const REFUSED = 'InvalidParameterException';

/**
 * Keeps the ENIs that ECS announced until it knows that they are there (networking.md §6.2). What is awaited is
 * looked for on a clock, not by events of the kernel: a look finds a device that came before the message, between
 * two runs of the agent or in a burst that made the kernel drop events just as well.
 *
 * Each has its own expiry (NET-83); every step is durable before it counts, so that after a crash an attachment is
 * awaited on, or reported again, with the expiry that it had.
 */
export class EniAttachments implements AttachmentIntake {
  readonly #options: EniAttachmentsOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known = new Map<string, EniAttachment>();
  /** By attachment: reports under way. */
  readonly #reporting = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #cancelLook: (() => void) | undefined;

  constructor(options: EniAttachmentsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.logger.child({ part: 'attachments' });
  }

  /** What is awaited now, for those who ask why a task has not come. */
  awaited(): readonly EniAttachment[] {
    return [...this.#known.values()].filter(({ isReported }) => !isReported);
  }

  /** Takes up what the store held at the start; call once. What is of no use any more is forgotten (NET-84). */
  async start(stored: readonly EniAttachment[]): Promise<void> {
    const gone = stored.filter((attachment) => this.#isOver(attachment));
    if (gone.length > 0) {
      await this.#options.store.commit(gone.map(({ arn }) => ({ kind: 'deleteAttachment', arn }) as const));
      this.#log.info({ attachments: gone.map(({ arn }) => arn) }, 'attachments that are over were forgotten');
    }
    for (const attachment of stored)
      if (!gone.includes(attachment)) this.#known.set(attachment.arn, attachment);
    this.#look();
  }

  async accept(attachments: readonly EniAttachment[]): Promise<void> {
    const fresh = attachments.filter(({ arn }) => !this.#known.has(arn));
    if (fresh.length > 0) {
      await this.#options.store.commit(
        fresh.map((attachment) => ({ kind: 'putAttachment', attachment }) as const),
      );
      for (const attachment of fresh) {
        this.#known.set(attachment.arn, attachment);
        this.#log.info({ ...attachment }, 'an ENI is announced; waiting for its device');
      }
    }
    this.#look();
  }

  /** The task is forgotten, and with it what came for it. */
  async taskGone(task: TaskArn): Promise<void> {
    const own = [...this.#known.values()].filter((attachment) => attachment.task === task);
    if (own.length > 0) await this.#forget(own);
  }

  /** What is not reported yet is after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent is stopping'));
    this.#cancelLook?.();
    await Promise.all(this.#reporting.values());
  }

  /** Nobody waits for it any more, or nobody knows whom it came for. */
  #isOver({ isReported, expiresAt, task }: EniAttachment): boolean {
    if (expiresAt > this.#clock.now()) return false;
    return !isReported || (task !== undefined && !this.#options.knowsTask(task));
  }

  /** Forgets what has expired, reports what is there, and looks again while anything is left to wait for. */
  #look(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    if (this.#stopping.signal.aborted) return;
    const expired = this.awaited().filter((attachment) => this.#isOver(attachment));
    if (expired.length > 0) {
      for (const { arn } of expired) this.#known.delete(arn);
      this.#log.warn({ attachments: expired }, 'no device came in time; the attachments are forgotten');
      void this.#forget(expired).catch((error: unknown) =>
        this.#log.error({ err: error }, 'attachments that are over stay in the store until the next start'),
      );
    }
    const open = this.awaited();
    for (const attachment of open)
      if (!this.#reporting.has(attachment.arn) && this.#hasDevice(attachment)) this.#report(attachment);
    if (open.length > 0) this.#cancelLook = this.#clock.after(LOOK_MS, () => this.#look());
  }

  #hasDevice({ macAddress }: EniAttachment): boolean {
    try {
      return this.#options.hasDevice(macAddress);
    } catch (error) {
      this.#log.warn({ err: error }, 'the links of the host cannot be listed; trying again');
      return false;
    }
  }

  #report(attachment: EniAttachment): void {
    const { arn } = attachment;
    this.#log.info({ ...attachment }, 'the device of an ENI is there');
    const run = this.#send(attachment)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#log.error({ err: error, arn }, 'attachment not reported');
      })
      .finally(() => this.#reporting.delete(arn));
    this.#reporting.set(arn, run);
  }

  /** Until ECS has taken it, has refused it for good or does not wait for it any more. */
  async #send(attachment: EniAttachment): Promise<void> {
    const { api, cluster, random } = this.#options;
    const { arn, task, expiresAt } = attachment;
    const backoff = new Backoff(RETRY, random);
    const expiry = new AbortController();
    const cancel = this.#clock.after(Math.max(0, expiresAt - this.#clock.now()), () =>
      expiry.abort(new Error('the attachment expired')),
    );
    const signal = AbortSignal.any([this.#stopping.signal, expiry.signal]);
    try {
      for (;;) {
        signal.throwIfAborted();
        try {
          await api.submitAttachment({ cluster, attachmentArn: arn, ...(task && { task }) }, { signal });
          this.#log.info({ arn, task }, 'attachment accepted');
          break;
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof EcsApiError && error.code === REFUSED) {
            this.#log.warn({ arn, task, err: error }, 'attachment dropped: ECS will never take it');
            break;
          }
          this.#log.warn({ arn, task, err: error }, 'attachment not accepted, sent again later');
          await sleepOn(this.#clock, backoff.next(), signal);
        }
      }
      await this.#settled(attachment);
    } finally {
      cancel();
    }
  }

  /** Not durable: it is reported again after the next start, which ECS takes like any repeat. */
  async #settled(attachment: EniAttachment): Promise<void> {
    if (!this.#known.has(attachment.arn)) return;
    const reported: EniAttachment = { ...attachment, isReported: true };
    this.#known.set(attachment.arn, reported);
    await this.#options.store.commit([{ kind: 'putAttachment', attachment: reported }]);
  }

  async #forget(attachments: readonly EniAttachment[]): Promise<void> {
    for (const { arn } of attachments) this.#known.delete(arn);
    await this.#options.store.commit(
      attachments.map(({ arn }) => ({ kind: 'deleteAttachment', arn }) as const),
    );
  }
}
