import { clientError } from '../api-error.ts';

const MIB = 1024 * 1024;

/** CPU units of a task-level `cpu`: `512`, `0.5 vCPU`, `.5vcpu`. */
export function parseCpuUnits(text: string): number {
  const match = /^(\d*\.?\d+)\s*(vcpu)?$/i.exec(text.trim());
  const units = Number(match?.[1]) * (match?.[2] === undefined ? 1 : 1024);
  if (!Number.isInteger(units) || units <= 0) throw clientError(`Invalid 'cpu' setting for task: '${text}'.`);
  return units;
}

/** MiB of a task-level `memory`: `512`, `1 GB`, `0.5GB`. */
export function parseMemoryMiB(text: string): number {
  const match = /^(\d*\.?\d+)\s*(gb|mb)?$/i.exec(text.trim());
  const mib = Number(match?.[1]) * (match?.[2]?.toLowerCase() === 'gb' ? 1024 : 1);
  if (!Number.isInteger(mib) || mib <= 0) throw clientError(`Invalid 'memory' setting for task: '${text}'.`);
  return mib;
}

export function mibToBytes(mib: number): number {
  return mib * MIB;
}
