import { isProgramMissing, type RunCommand } from '../../host/run-command.ts';
import { type Firewall, type FirewallCall, FirewallError, type FirewallPlan } from './firewall.ts';
import { chainHooks, chainNames, iptablesScript } from './iptables-script.ts';

const FAMILIES = ['ip', 'ip6'] as const;
type Family = (typeof FAMILIES)[number];

/** The same rules for hosts without nft: chains of our own in the tables that everybody shares. */
export class IptablesFirewall implements Firewall {
  readonly #name: string;
  readonly #run: RunCommand;
  readonly #shown = new Map<Family, string>();

  constructor(name: string, run: RunCommand) {
    this.#name = name;
    this.#run = run;
  }

  async apply(plan: FirewallPlan, call: FirewallCall): Promise<void> {
    for (const family of FAMILIES) {
      if (family === 'ip6' && plan.subnet6 === undefined) await this.#removeFamily(family, call);
      else {
        await this.#restore(family, iptablesScript(this.#name, family, plan), call);
        await this.#hook(family, call);
      }
      this.#shown.set(family, await this.#show(family, call));
    }
  }

  adjust(): undefined {}

  generation(): undefined {}

  async isIntact(call: FirewallCall): Promise<boolean> {
    for (const family of FAMILIES)
      if (this.#shown.get(family) !== (await this.#show(family, call))) return false;
    return true;
  }

  async remove(call: FirewallCall): Promise<void> {
    this.#shown.clear();
    for (const family of FAMILIES) await this.#removeFamily(family, call);
  }

  /** Jumps into our chains, each once. */
  async #hook(family: Family, call: FirewallCall): Promise<void> {
    for (const { table, hook, chain, match } of chainHooks(this.#name)) {
      const rule = [hook, ...match, '-j', chain];
      if ((await this.#iptables(family, table, ['-C', ...rule], call)) === 0) continue;
      if ((await this.#iptables(family, table, ['-I', ...rule], call)) !== 0)
        throw new FirewallError(`${family}tables refused ${table} ${rule.join(' ')}`);
    }
  }

  async #removeFamily(family: Family, call: FirewallCall): Promise<void> {
    for (const { table, hook, chain, match } of chainHooks(this.#name))
      await this.#iptables(family, table, ['-D', hook, ...match, '-j', chain], call);
    for (const { table, chain } of chainNames(this.#name)) {
      await this.#iptables(family, table, ['-F', chain], call);
      await this.#iptables(family, table, ['-X', chain], call);
    }
  }

  /** What is shown of our chains and of the jumps into them. */
  async #show(family: Family, { signal }: FirewallCall): Promise<string> {
    const shown: string[] = [];
    for (const table of ['nat', 'filter']) {
      const { stdout } = await this.#try(family, ['-w', '5', '-t', table, '-S'], signal);
      shown.push(...stdout.split('\n').filter((line) => line.includes(chainPrefix(this.#name))));
    }
    return shown.join('\n');
  }

  async #iptables(
    family: Family,
    table: string,
    args: readonly string[],
    { signal }: FirewallCall,
  ): Promise<number | null> {
    return (await this.#try(family, ['-w', '5', '-t', table, ...args], signal)).exitCode;
  }

  async #restore(family: Family, input: string, { signal }: FirewallCall): Promise<void> {
    const program = `${family}tables-restore`;
    const { exitCode, stderr } = await this.#run(program, ['-w', '5', '--noflush'], { signal, input });
    if (exitCode !== 0) throw new FirewallError(`${program} refused the rules: ${stderr.trim()}`);
  }

  /** A host may have the program for IPv4 alone. */
  async #try(family: Family, args: readonly string[], signal: AbortSignal) {
    try {
      return await this.#run(`${family}tables`, args, { signal });
    } catch (error) {
      if (isProgramMissing(error) && family === 'ip6') return { exitCode: 1, stdout: '', stderr: '' };
      throw error;
    }
  }
}

function chainPrefix(name: string): string {
  return name.toUpperCase();
}
