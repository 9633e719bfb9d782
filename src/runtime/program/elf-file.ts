import { Arm64Code } from './arm64-code.ts';
import type { CodeWriter } from './machine-code.ts';
import { X64Code } from './x64-code.ts';

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const CODE_AT = HEADER_BYTES + 2 * SEGMENT_BYTES;
const LOADED_AT = 0x40_0000n;
/** ELF's numbers of machines, and the largest page that each may have. */
const ELF_MACHINES = { x64: { number: 62, page: 0x1000n }, arm64: { number: 183, page: 0x1_0000n } } as const;

/** Machines that programs can be made for. */
export type Machine = keyof typeof ELF_MACHINES;

/** This one, or x64 where it is neither. */
export const THIS_MACHINE: Machine = process.arch === 'arm64' ? 'arm64' : 'x64';

/** An executable file with the code that `write` makes. */
export function programFile(machine: Machine, write: (program: CodeWriter) => void): Buffer {
  const code = machine === 'x64' ? new X64Code() : new Arm64Code();
  write(code);
  return elf(code.finish(), machine);
}

/** One segment that is read and run, and a stack that is not run (elf(5)). */
function elf(program: Buffer, machine: Machine): Buffer {
  const { number, page } = ELF_MACHINES[machine];
  const file = Buffer.alloc(CODE_AT);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(number, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(LOADED_AT + BigInt(CODE_AT), 24);
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(SEGMENT_BYTES, 54);
  file.writeUInt16LE(2, 56);
  const size = BigInt(CODE_AT + program.length);
  writeSegment(file, HEADER_BYTES, { type: 1, flags: 5, address: LOADED_AT, size, align: page });
  const stack = { type: 0x6474_e551, flags: 6, address: 0n, size: 0n, align: 16n };
  writeSegment(file, HEADER_BYTES + SEGMENT_BYTES, stack);
  return Buffer.concat([file, program]);
}

interface Segment {
  readonly type: number;
  /** 4 read, 2 write, 1 run. */
  readonly flags: number;
  readonly address: bigint;
  readonly size: bigint;
  readonly align: bigint;
}

function writeSegment(file: Buffer, at: number, { type, flags, address, size, align }: Segment): void {
  file.writeUInt32LE(type, at);
  file.writeUInt32LE(flags, at + 4);
  file.writeBigUInt64LE(address, at + 16);
  file.writeBigUInt64LE(address, at + 24);
  file.writeBigUInt64LE(size, at + 32);
  file.writeBigUInt64LE(size, at + 40);
  file.writeBigUInt64LE(align, at + 48);
}
