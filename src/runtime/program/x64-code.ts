import {
  type Base,
  CodeBuffer,
  type CodeWriter,
  type Condition,
  type Register,
  type SystemCall,
} from './machine-code.ts';

/** Numbers of registers; system calls keep all but rax, rcx and r11. */
const NUMBERS: Readonly<Record<Base, number>> = {
  result: 0,
  a: 3,
  b: 5,
  c: 13,
  d: 14,
  e: 15,
  f: 12,
  stack: 4,
};
/** rdi, rsi, rdx, r10, r8, r9. */
const ARGUMENTS = [7, 6, 2, 10, 8, 9];
const RAX = 0;
/** Low bits that mean "a byte more follows" in an address, rsp's and r12's. */
const NEEDS_SIB = 4;

const CALLS: Readonly<Record<SystemCall, number>> = {
  write: 1,
  rt_sigprocmask: 14,
  ioctl: 16,
  getpid: 39,
  clone: 56,
  execve: 59,
  wait4: 61,
  kill: 62,
  setpgid: 109,
  rt_sigtimedwait: 128,
  exit_group: 231,
};

/** Second byte of a near jump. */
const JUMPS: Readonly<Record<Condition, number>> = { equal: 0x84, unequal: 0x85, less: 0x8c, atLeast: 0x8d };

/** Code for x86-64 (Intel's manual, volume 2). */
export class X64Code implements CodeWriter {
  readonly #code = new CodeBuffer();

  label(name: string): void {
    this.#code.label(name);
  }

  set(to: Register, value: bigint): void {
    this.#set(NUMBERS[to], value);
  }

  move(to: Register, from: Register): void {
    this.#moveNumber(NUMBERS[to], NUMBERS[from]);
  }

  address(to: Register, from: Base, offset: number): void {
    this.#memory([0x8d], NUMBERS[to], NUMBERS[from], offset);
  }

  addressOf(to: Register, label: string): void {
    const number = NUMBERS[to];
    this.#code.bytes(0x48 | ((number >> 3) << 2), 0x8d, ((number & 7) << 3) | 5);
    this.#distance(label);
  }

  load(to: Register, from: Base, offset: number): void {
    this.#memory([0x8b], NUMBERS[to], NUMBERS[from], offset);
  }

  store(from: Register, to: Base, offset: number): void {
    this.#memory([0x89], NUMBERS[from], NUMBERS[to], offset);
  }

  loadByte(to: Register, from: Base, offset: number): void {
    this.#memory([0x0f, 0xb6], NUMBERS[to], NUMBERS[from], offset);
  }

  storeByte(from: Register, to: Base, offset: number): void {
    this.#memory([0x88], NUMBERS[from], NUMBERS[to], offset);
  }

  jumpIf(register: Register, condition: Condition, value: number, label: string): void {
    this.#immediate(7, NUMBERS[register], value);
    this.#code.bytes(0x0f, JUMPS[condition]);
    this.#distance(label);
  }

  jump(label: string): void {
    this.#code.bytes(0xe9);
    this.#distance(label);
  }

  and(register: Register, value: number): void {
    this.#immediate(4, NUMBERS[register], value);
  }

  add(register: Register, other: Register): void {
    this.#registers(0x01, NUMBERS[other], NUMBERS[register]);
  }

  subtract(register: Register, other: Register): void {
    this.#registers(0x29, NUMBERS[other], NUMBERS[register]);
  }

  reserve(bytes: number): void {
    this.#immediate(5, NUMBERS.stack, bytes);
  }

  call(name: SystemCall, ...args: readonly (Register | number)[]): void {
    for (const [index, value] of args.entries()) {
      const to = ARGUMENTS[index] ?? 0;
      if (typeof value === 'number') this.#set(to, BigInt(value));
      else this.#moveNumber(to, NUMBERS[value]);
    }
    this.#set(RAX, BigInt(CALLS[name]));
    this.#code.bytes(0x0f, 0x05);
  }

  text(label: string, value: string): void {
    this.#code.label(label);
    this.#code.bytes(...Buffer.from(value), 0);
  }

  finish(): Buffer {
    return this.#code.finish();
  }

  #set(number: number, value: bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
    this.#code.bytes(0x48 | (number >> 3), 0xb8 | (number & 7), ...bytes);
  }

  #moveNumber(to: number, from: number): void {
    this.#registers(0x89, from, to);
  }

  #registers(operation: number, from: number, to: number): void {
    this.#code.bytes(0x48 | ((from >> 3) << 2) | (to >> 3), operation, 0xc0 | ((from & 7) << 3) | (to & 7));
  }

  /** An operation of the group 0x81 with 32 bits that are part of the code. */
  #immediate(operation: number, number: number, value: number): void {
    this.#code.bytes(0x48 | (number >> 3), 0x81, 0xc0 | (operation << 3) | (number & 7));
    this.#code.word(value);
  }

  #memory(operation: readonly number[], register: number, base: number, offset: number): void {
    const sib = (base & 7) === NEEDS_SIB ? [0x24] : [];
    this.#code.bytes(
      0x48 | ((register >> 3) << 2) | (base >> 3),
      ...operation,
      0x80 | ((register & 7) << 3) | (base & 7),
      ...sib,
    );
    this.#code.word(offset);
  }

  /** From the end of its own four bytes. */
  #distance(label: string): void {
    this.#code.fixup(label, this.#code.length, (code, at, target) => code.writeInt32LE(target - at - 4, at));
    this.#code.word(0);
  }
}
