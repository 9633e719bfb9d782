import {
  type Base,
  CodeBuffer,
  type CodeWriter,
  type Condition,
  type Register,
  type SystemCall,
} from './machine-code.ts';

/** Numbers of registers; system calls keep all but x0. 31 is the stack where an address is meant. */
const NUMBERS: Readonly<Record<Base, number>> = {
  result: 0,
  a: 19,
  b: 20,
  c: 21,
  d: 22,
  e: 23,
  f: 24,
  stack: 31,
};
const CALL_NUMBER = 8;
const SCRATCH = 9;
const ZERO = 31;

const CALLS: Readonly<Record<SystemCall, number>> = {
  ioctl: 29,
  write: 64,
  exit_group: 94,
  kill: 129,
  rt_sigprocmask: 135,
  rt_sigtimedwait: 137,
  setpgid: 154,
  getpid: 172,
  clone: 220,
  execve: 221,
  wait4: 260,
};

const CONDITIONS: Readonly<Record<Condition, number>> = { equal: 0, unequal: 1, atLeast: 10, less: 11 };

/** Code for AArch64 (Arm's architecture reference manual, A64 base instructions). */
export class Arm64Code implements CodeWriter {
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
    this.#addImmediate(NUMBERS[to], NUMBERS[from], offset);
  }

  addressOf(to: Register, label: string): void {
    const number = NUMBERS[to];
    this.#code.fixup(label, this.#code.length, (code, at, target) => {
      const distance = target - at;
      const word = 0x1000_0000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7_ffff) << 5) | number;
      code.writeUInt32LE(word >>> 0, at);
    });
    this.#code.word(0);
  }

  load(to: Register, from: Base, offset: number): void {
    this.#word(0xf940_0000, offset / 8, NUMBERS[from], NUMBERS[to]);
  }

  store(from: Register, to: Base, offset: number): void {
    this.#word(0xf900_0000, offset / 8, NUMBERS[to], NUMBERS[from]);
  }

  loadByte(to: Register, from: Base, offset: number): void {
    this.#word(0x3940_0000, offset, NUMBERS[from], NUMBERS[to]);
  }

  storeByte(from: Register, to: Base, offset: number): void {
    this.#word(0x3900_0000, offset, NUMBERS[to], NUMBERS[from]);
  }

  /** SUBS into nothing, then the jump. */
  jumpIf(register: Register, condition: Condition, value: number, label: string): void {
    this.#word(0xf100_0000, value, NUMBERS[register], ZERO);
    this.#code.fixup(label, this.#code.length, (code, at, target) => {
      const distance = ((target - at) / 4) & 0x7_ffff;
      code.writeUInt32LE((0x5400_0000 | (distance << 5) | CONDITIONS[condition]) >>> 0, at);
    });
    this.#code.word(0);
  }

  jump(label: string): void {
    this.#code.fixup(label, this.#code.length, (code, at, target) => {
      code.writeUInt32LE((0x1400_0000 | (((target - at) / 4) & 0x3ff_ffff)) >>> 0, at);
    });
    this.#code.word(0);
  }

  and(register: Register, value: number): void {
    this.#set(SCRATCH, BigInt(value));
    this.#threeRegisters(0x8a00_0000, NUMBERS[register], NUMBERS[register], SCRATCH);
  }

  add(register: Register, other: Register): void {
    this.#threeRegisters(0x8b00_0000, NUMBERS[register], NUMBERS[register], NUMBERS[other]);
  }

  subtract(register: Register, other: Register): void {
    this.#threeRegisters(0xcb00_0000, NUMBERS[register], NUMBERS[register], NUMBERS[other]);
  }

  reserve(bytes: number): void {
    this.#addImmediate(NUMBERS.stack, NUMBERS.stack, -bytes);
  }

  call(name: SystemCall, ...args: readonly (Register | number)[]): void {
    for (const [index, value] of args.entries())
      if (typeof value === 'number') this.#set(index, BigInt(value));
      else this.#moveNumber(index, NUMBERS[value]);
    this.#set(CALL_NUMBER, BigInt(CALLS[name]));
    this.#code.word(0xd400_0001);
  }

  text(label: string, value: string): void {
    this.#code.label(label);
    this.#code.bytes(...Buffer.from(value), 0);
    this.#code.align();
  }

  finish(): Buffer {
    return this.#code.finish();
  }

  /** MOVZ for the low 16 bits, MOVK for the others. */
  #set(number: number, value: bigint): void {
    const bits = BigInt.asUintN(64, value);
    for (let part = 0; part < 4; part += 1) {
      const sixteen = Number((bits >> BigInt(part * 16)) & 0xffffn);
      if (part > 0 && sixteen === 0) continue;
      const operation = part === 0 ? 0xd280_0000 : 0xf280_0000;
      this.#code.word((operation | (part << 21) | (sixteen << 5) | number) >>> 0);
    }
  }

  #moveNumber(to: number, from: number): void {
    if (to !== from) this.#threeRegisters(0xaa00_0000, to, ZERO, from);
  }

  #addImmediate(to: number, from: number, value: number): void {
    this.#word(value < 0 ? 0xd100_0000 : 0x9100_0000, Math.abs(value), from, to);
  }

  #threeRegisters(operation: number, to: number, first: number, second: number): void {
    this.#code.word((operation | (second << 16) | (first << 5) | to) >>> 0);
  }

  /** The shape of most instructions with 12 bits in them. */
  #word(operation: number, twelve: number, from: number, to: number): void {
    this.#code.word((operation | (twelve << 10) | (from << 5) | to) >>> 0);
  }
}
