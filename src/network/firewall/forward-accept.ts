import { isProgramMissing, type RunCommand } from '../../host/run-command.ts';
import { type FirewallCall, FirewallError } from './firewall.ts';

const PROGRAMS = ['iptables', 'ip6tables'] as const;
type Program = (typeof PROGRAMS)[number];

/** A program that is there. */
interface Usable {
  readonly program: Program;
  /** Not where it is the legacy one. */
  readonly isInNftables: boolean;
}

/** Docker's own place for other people's rules; it keeps what is in there. */
const DOCKER_CHAIN = 'DOCKER-USER';
const WAIT = ['-w', '5'];

/**
 * Keeps accept rules for our bridge where a program such as dockerd has made DROP the policy of FORWARD: a
 * packet passes only when every table lets it. Elsewhere it adds nothing.
 */
export class ForwardAccept {
  readonly #bridge: string;
  readonly #tag: string;
  readonly #run: RunCommand;
  /** Programs that are there and whose rules the kernel consults. */
  #programs: Promise<readonly Usable[]> | undefined;

  /** `tag` is the comment that marks our rules. */
  constructor(options: { readonly bridge: string; readonly tag: string; readonly run: RunCommand }) {
    this.#bridge = options.bridge;
    this.#tag = options.tag;
    this.#run = options.run;
  }

  /** Adds what is missing, in front; without `ipv6` for IPv4 alone. Gives whether something was. */
  async ensure({ ipv6, ...call }: FirewallCall & { readonly ipv6: boolean }): Promise<boolean> {
    const usable = await this.#usable(call);
    const relevant = usable.filter(({ program }) => ipv6 || program === 'iptables');
    const added = await Promise.all(relevant.map(({ program }) => this.#ensureIn(program, call)));
    return added.includes(true);
  }

  async #ensureIn(program: Program, call: FirewallCall): Promise<boolean> {
    const shown = await this.#show(program, call);
    if (!shown.includes('-P FORWARD DROP')) return false;
    const chain = shown.includes(`-A FORWARD -j ${DOCKER_CHAIN}`) ? DOCKER_CHAIN : 'FORWARD';
    const missing = this.#rules(chain).filter((rule) => !shown.some((line) => sameRule(line, rule)));
    for (const rule of missing) await this.#change(program, ['-I', ...rule], call);
    return missing.length > 0;
  }

  /** Whether all rules that it looks at are kept in nftables, so that no change of them misses its generation. */
  async isInNftables(call: FirewallCall): Promise<boolean> {
    return (await this.#usable(call)).every(({ isInNftables }) => isInNftables);
  }

  /** Removes every rule that carries our tag. */
  async remove(call: FirewallCall): Promise<void> {
    for (const { program } of await this.#usable(call))
      for (const line of await this.#show(program, call)) {
        const words = wordsOf(line);
        if (words[0] === '-A' && words[words.indexOf('--comment') + 1] === this.#tag)
          await this.#change(program, ['-D', ...words.slice(1)], call);
      }
  }

  #rules(chain: string): readonly (readonly string[])[] {
    const tag = ['-m', 'comment', '--comment', this.#tag, '-j', 'ACCEPT'];
    return [
      [chain, '-i', this.#bridge, ...tag],
      [chain, '-o', this.#bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', ...tag],
      [chain, '-o', this.#bridge, '-m', 'conntrack', '--ctstate', 'DNAT', ...tag],
    ];
  }

  async #show(program: Program, { signal }: FirewallCall): Promise<readonly string[]> {
    const { exitCode, stdout } = await this.#run(program, [...WAIT, '-S'], { signal });
    return exitCode === 0 ? stdout.split('\n') : [];
  }

  async #change(program: Program, args: readonly string[], { signal }: FirewallCall): Promise<void> {
    const { exitCode, stderr } = await this.#run(program, [...WAIT, ...args], { signal });
    if (exitCode !== 0) throw new FirewallError(`${program} ${args.join(' ')} failed: ${stderr.trim()}`);
  }

  async #usable(call: FirewallCall): Promise<readonly Usable[]> {
    this.#programs ??= findPrograms(this.#run, call);
    try {
      return await this.#programs;
    } catch (error) {
      this.#programs = undefined;
      throw error;
    }
  }
}

async function findPrograms(run: RunCommand, { signal }: FirewallCall): Promise<readonly Usable[]> {
  const there = await Promise.all(
    PROGRAMS.map(async (program): Promise<readonly Usable[]> => {
      try {
        const { exitCode, stdout } = await run(program, ['--version'], { signal });
        return exitCode === 0 ? [{ program, isInNftables: stdout.includes('nf_tables') }] : [];
      } catch (error) {
        if (isProgramMissing(error)) return [];
        throw error;
      }
    }),
  );
  return there.flat();
}

/** `-A chain …` as iptables shows it against what it was told. */
function sameRule(line: string, rule: readonly string[]): boolean {
  const words = wordsOf(line);
  return words[0] === '-A' && words.length === rule.length + 1 && rule.every((word) => words.includes(word));
}

/** Comments are shown in quotes when they have more than letters. */
function wordsOf(line: string): readonly string[] {
  return line.split(' ').map((word) => word.replace(/^"(.*)"$/, '$1'));
}
