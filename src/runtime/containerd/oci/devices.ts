import type { FoundDevice } from '../find-devices.ts';
import type { OciDeviceRule } from './oci-types.ts';

const ALL_ACCESS = 'rwm';

/** What every container may use: null, zero, full, random, urandom, tty, console, ptmx, terminals (pts). */
const ORDINARY: readonly (readonly [major: number, minor?: number])[] = [
  [1, 3],
  [1, 5],
  [1, 7],
  [1, 8],
  [1, 9],
  [5, 0],
  [5, 1],
  [5, 2],
  [136],
];

/** Which devices a container's processes may open, in the order in which the rules are applied. Pure. */
export function planDeviceRules(
  devices: readonly FoundDevice[],
  privileged: boolean,
): readonly OciDeviceRule[] {
  if (privileged) return [{ allow: true, access: ALL_ACCESS }];
  return [
    { allow: false, access: ALL_ACCESS },
    // Making a node opens nothing.
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'b', access: 'm' },
    ...ORDINARY.map(
      ([major, minor]): OciDeviceRule => ({
        allow: true,
        type: 'c',
        major,
        ...(minor !== undefined && { minor }),
        access: ALL_ACCESS,
      }),
    ),
    ...devices.map(
      ({ type, major, minor, access }): OciDeviceRule => ({
        allow: true,
        type,
        major,
        minor,
        access,
      }),
    ),
  ];
}
