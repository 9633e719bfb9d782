import { nextGeneration } from '../../host/netlink.ts';
import type { Firewall, FirewallCall, FirewallPlan } from './firewall.ts';
import type { ForwardAccept } from './forward-accept.ts';

export interface BridgeFirewallOptions {
  /** Found on first use: a host without bridge tasks needs none. */
  readonly firewall: () => Promise<Firewall>;
  readonly forward: ForwardAccept;
  /** What the rules should be now; undefined: there are no containers and no rules are needed. */
  readonly plan: () => FirewallPlan | undefined;
  /** Told when rules were found changed by somebody else, and what a check met. */
  readonly onRestored: (what: string) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** A firewall reload of the host takes rules away: they are looked at on this clock and at every use. */
const CHECK_MS = 15_000;
const TIMEOUT_MS = 30_000;

/**
 * Keeps the host's rules equal to the plan. Calls that come while rules are being written share the next writing. As long
 * as nobody else has changed anything in the packet filter, which its generation tells, no program has to be run.
 */
export class BridgeFirewall {
  readonly #options: BridgeFirewallOptions;
  /** The packet filter's generation at which all rules were seen to be as planned. */
  #settled: number | undefined;
  #tail: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BridgeFirewallOptions) {
    this.#options = options;
  }

  /** Resolves when rules that were planned after the call are in force. */
  refresh(): Promise<void> {
    this.#queued ??= this.#enqueue(async () => {
      this.#queued = undefined;
      await this.#apply();
    });
    return this.#queued;
  }

  /** Begins to look after the rules. */
  watch(): void {
    this.#timer ??= setInterval(() => void this.check().catch(this.#options.onTrouble), CHECK_MS).unref();
  }

  /** Puts rules back that somebody took away or changed. */
  check(): Promise<void> {
    return this.#enqueue(async () => {
      const plan = this.#options.plan();
      if (plan === undefined) return;
      const call = { signal: AbortSignal.timeout(TIMEOUT_MS) };
      const firewall = await this.#options.firewall();
      const generation = firewall.generation();
      if (generation !== undefined && generation === this.#settled) return;
      this.#settled = undefined;
      if (!(await firewall.isIntact(call))) {
        await this.#apply();
        this.#options.onRestored('the rules of published ports');
      } else if (await this.#options.forward.ensure({ ...call, ipv6: plan.subnet6 !== undefined }))
        this.#options.onRestored('the rules of forwarding');
      else await this.#settle(firewall, generation, call);
    });
  }

  /** Stops looking; the rules stay. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#tail;
  }

  /** Removes all rules. */
  async remove(): Promise<void> {
    await this.#enqueue(async () => {
      this.#settled = undefined;
      const call = { signal: AbortSignal.timeout(TIMEOUT_MS) };
      await (await this.#options.firewall()).remove(call);
      await this.#options.forward.remove(call);
    });
  }

  async #apply(): Promise<void> {
    const plan = this.#options.plan();
    if (plan === undefined) return;
    const call = { signal: AbortSignal.timeout(TIMEOUT_MS) };
    const firewall = await this.#options.firewall();
    if (this.#settled !== undefined) {
      this.#settled = firewall.adjust(plan, this.#settled);
      if (this.#settled !== undefined) return;
    }
    const before = firewall.generation();
    const ipv6 = plan.subnet6 !== undefined;
    const [, added] = await Promise.all([
      firewall.apply(plan, call),
      this.#options.forward.ensure({ ...call, ipv6 }),
    ]);
    if (before !== undefined && !added) await this.#settle(firewall, nextGeneration(before), call);
  }

  /** All is as planned at `generation`: later ones that differ are somebody else's work. */
  async #settle(firewall: Firewall, generation: number | undefined, call: FirewallCall): Promise<void> {
    if (!(await this.#options.forward.isInNftables(call))) return;
    if (firewall.generation() === generation) this.#settled = generation;
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const run = this.#tail.then(work);
    this.#tail = run.catch(() => undefined);
    return run;
  }
}
