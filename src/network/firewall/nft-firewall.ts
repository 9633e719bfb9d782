import { changeFilterHere, filterGenerationHere, NetlinkError, nextGeneration } from '../../host/netlink.ts';
import type { RunCommand } from '../../host/run-command.ts';
import {
  type Firewall,
  type FirewallCall,
  FirewallError,
  type FirewallPlan,
  type PublishedPort,
} from './firewall.ts';
import { elementSteps } from './nft-elements.ts';
import { nftRuleset, showsAll } from './nft-ruleset.ts';

const FAMILIES = ['ip', 'ip6'] as const;

/** More than that are a message too long for the kernel, and no change that a container waits for. */
const MAX_ADJUSTED = 256;

/**
 * Rules in nftables: a table of our own in each address family, replaced as one transaction by nft, or changed by
 * netlink where only published ports come and go (measured: 1 to 2 ms against 13 to 50 for nft).
 */
export class NftFirewall implements Firewall {
  readonly #table: string;
  readonly #run: RunCommand;
  #plan: FirewallPlan | undefined;
  /** What nft showed of the tables at the first look since they were applied: no container waits for that look. */
  #shown: string | undefined;

  constructor(table: string, run: RunCommand) {
    this.#table = table;
    this.#run = run;
  }

  async apply(plan: FirewallPlan, call: FirewallCall): Promise<void> {
    this.#shown = undefined;
    this.#plan = undefined;
    await this.#load(nftRuleset(this.#table, plan), call);
    this.#plan = plan;
  }

  adjust(plan: FirewallPlan, generation: number): number | undefined {
    const applied = this.#plan;
    if (applied === undefined || !hasSameRules(applied, plan)) return undefined;
    const gone = missingFrom(plan.published, applied.published);
    const come = missingFrom(applied.published, plan.published);
    if (gone.length + come.length > MAX_ADJUSTED) return undefined;
    const steps = elementSteps(this.#table, { gone, come });
    if (steps.length === 0) return this.generation() === generation ? generation : undefined;
    try {
      changeFilterHere('changing published ports', steps, { generation });
    } catch (error) {
      // Somebody has changed something, or nft has to say what is wrong.
      if (error instanceof NetlinkError) return undefined;
      throw error;
    }
    this.#plan = plan;
    this.#shown = undefined;
    return nextGeneration(generation);
  }

  generation(): number | undefined {
    try {
      return filterGenerationHere();
    } catch (error) {
      if (error instanceof NetlinkError) return undefined;
      throw error;
    }
  }

  async isIntact(call: FirewallCall): Promise<boolean> {
    if (this.#plan === undefined) return false;
    const shown = await this.#show(call);
    if (this.#shown === undefined && showsAll(this.#plan, shown)) this.#shown = shown;
    return this.#shown === shown;
  }

  async remove(call: FirewallCall): Promise<void> {
    this.#plan = undefined;
    // Declaring a table first makes its removal a success where there is none.
    const lines = FAMILIES.flatMap((family) => [
      `table ${family} ${this.#table}`,
      `delete table ${family} ${this.#table}`,
    ]);
    await this.#load(`${lines.join('\n')}\n`, call);
  }

  async #load(script: string, { signal }: FirewallCall): Promise<void> {
    const { exitCode, stderr } = await this.#run('nft', ['-f', '-'], { signal, input: script });
    if (exitCode !== 0)
      throw new FirewallError(`nft refused the rules of table ${this.#table}: ${stderr.trim()}`);
  }

  /** A table that is not there shows as nothing. */
  async #show({ signal }: FirewallCall): Promise<string> {
    const shown: string[] = [];
    for (const family of FAMILIES) {
      const { stdout } = await this.#run('nft', ['-s', 'list', 'table', family, this.#table], { signal });
      shown.push(stdout);
    }
    return shown.join('\n');
  }
}

/** Whether the plans differ in published ports alone. */
function hasSameRules(one: FirewallPlan, other: FirewallPlan): boolean {
  return one.bridge === other.bridge && one.subnet4 === other.subnet4 && one.subnet6 === other.subnet6;
}

/** Those of `ports` that are not among `others`; there may be thousands of each. */
function missingFrom(
  others: readonly PublishedPort[],
  ports: readonly PublishedPort[],
): readonly PublishedPort[] {
  const keyOf = ({ protocol, hostPort, containerPort, address4, address6 }: PublishedPort) =>
    [protocol, hostPort, containerPort, address4, address6].join();
  const known = new Set(others.map(keyOf));
  return ports.filter((port) => !known.has(keyOf(port)));
}
