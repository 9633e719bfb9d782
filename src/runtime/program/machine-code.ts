/*
 * A few instructions, enough for a program that only makes system calls, as machine code of the two machines that
 * the agent runs on. Values live in named registers that system calls leave alone; jumps go to labels.
 */

/** Registers for values. `result` is what the last system call gave; negative: an errno. */
export type Register = 'result' | 'a' | 'b' | 'c' | 'd' | 'e' | 'f';
/** A register or the stack's top. */
export type Base = Register | 'stack';
export type Condition = 'equal' | 'unequal' | 'less' | 'atLeast';

/** Writes the program; a label may be used before it is placed. */
export interface CodeWriter {
  label(name: string): void;
  set(to: Register, value: bigint): void;
  move(to: Register, from: Register): void;
  /** `to = from + offset`, an offset of 0 to 4000. */
  address(to: Register, from: Base, offset: number): void;
  /** `to` = where the label is. */
  addressOf(to: Register, label: string): void;
  /** 64 bits at an offset of 0 to 4000 that 8 divides. */
  load(to: Register, from: Base, offset: number): void;
  store(from: Register, to: Base, offset: number): void;
  loadByte(to: Register, from: Base, offset: number): void;
  storeByte(from: Register, to: Base, offset: number): void;
  /** `value`: 0 to 2000. */
  jumpIf(register: Register, condition: Condition, value: number, label: string): void;
  jump(label: string): void;
  /** `register &= value`. */
  and(register: Register, value: number): void;
  add(register: Register, other: Register): void;
  subtract(register: Register, other: Register): void;
  /** Takes room on the stack: a multiple of 16, at most 4080. */
  reserve(bytes: number): void;
  /** `result` can only be the first argument. */
  call(name: SystemCall, ...args: readonly (Register | number)[]): void;
  text(label: string, value: string): void;
  /** The finished code, every jump filled in. */
  finish(): Buffer;
}

/** The calls that there are, of syscalls(2); arm64 has no fork. */
export type SystemCall =
  | 'clone'
  | 'execve'
  | 'getpid'
  | 'exit_group'
  | 'ioctl'
  | 'kill'
  | 'rt_sigprocmask'
  | 'rt_sigtimedwait'
  | 'setpgid'
  | 'wait4'
  | 'write';

/** A place in the code that waits for its label. */
export interface Fixup {
  readonly at: number;
  readonly label: string;
  /** Writes the distance into the code. */
  readonly patch: (code: Buffer, at: number, target: number) => void;
}

/** What both machines share: bytes, labels, and jumps that are filled in at the end. */
export class CodeBuffer {
  #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  bytes(...values: readonly number[]): void {
    this.#bytes.push(...values);
  }

  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 0xff);
  }

  /** Fills up to a multiple of four. */
  align(): void {
    while (this.#bytes.length % 4 !== 0) this.#bytes.push(0);
  }

  label(name: string): void {
    if (this.#labels.has(name)) throw new Error(`the label ${name} is there twice`);
    this.#labels.set(name, this.length);
  }

  fixup(label: string, at: number, patch: Fixup['patch']): void {
    this.#fixups.push({ at, label, patch });
  }

  finish(): Buffer {
    const code = Buffer.from(this.#bytes);
    for (const { at, label, patch } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`the label ${label} is nowhere`);
      patch(code, at, target);
    }
    return code;
  }
}
