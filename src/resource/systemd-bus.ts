import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const CALL_TIMEOUT_MS = 10_000;
const MANAGER = [
  'org.freedesktop.systemd1',
  '/org/freedesktop/systemd1',
  'org.freedesktop.systemd1.Manager',
] as const;

/** A property of a unit: its D-Bus signature and its value as busctl takes it. */
export interface UnitProperty {
  readonly name: string;
  readonly signature: 's' | 'b' | 't' | 'as';
  readonly value: readonly string[];
}

/** systemd's manager object, as far as slices need it. Calls start jobs; their effect is looked for elsewhere. */
export interface SystemdManager {
  startTransientUnit(name: string, properties: readonly UnitProperty[]): Promise<void>;
  /** Until the next boot only. */
  setUnitProperties(name: string, properties: readonly UnitProperty[]): Promise<void>;
  stopUnit(name: string): Promise<void>;
}

/** Runs `busctl` with these arguments; rejects when it fails. */
export type RunBusctl = (args: readonly string[]) => Promise<void>;

/** The manager of the machine's systemd, over the system bus by `busctl`, which is part of systemd's package. */
export function systemdManager(run: RunBusctl = runBusctl): SystemdManager {
  const call = (method: string, signature: string, args: readonly string[]) =>
    run(['--system', '--quiet', 'call', ...MANAGER, method, signature, ...args]);
  return {
    startTransientUnit: (name, properties) =>
      call('StartTransientUnit', 'ssa(sv)a(sa(sv))', [name, 'replace', ...marshal(properties), '0']),
    setUnitProperties: (name, properties) =>
      call('SetUnitProperties', 'sba(sv)', [name, 'true', ...marshal(properties)]),
    stopUnit: (name) => call('StopUnit', 'ss', [name, 'replace']),
  };
}

function marshal(properties: readonly UnitProperty[]): readonly string[] {
  return [
    String(properties.length),
    ...properties.flatMap(({ name, signature, value }) => [name, signature, ...value]),
  ];
}

async function runBusctl(args: readonly string[]): Promise<void> {
  await exec('busctl', args, { timeout: CALL_TIMEOUT_MS });
}
