import type { RunCommand } from '../../host/run-command.ts';
import { type Firewall, type FirewallCall, FirewallError, type FirewallPlan } from './firewall.ts';
import { nftRuleset, showsAll } from './nft-ruleset.ts';

const FAMILIES = ['ip', 'ip6'] as const;

/** Rules in nftables: a table of our own in each address family, replaced as one transaction. */
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
