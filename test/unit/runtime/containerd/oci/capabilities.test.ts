import { describe, expect, it } from 'vitest';
import { planCapabilities } from '../../../../../src/runtime/containerd/oci/capabilities.ts';

const NEWEST = 40;
const plan = (add: string[], drop: string[], uid = 0, newest = NEWEST) =>
  planCapabilities({ add, drop, uid, available: 2n ** BigInt(newest + 1) - 1n });

describe('capabilities', () => {
  it('are fourteen by default, in three sets (CTD-18, RES-89)', () => {
    const { bounding, effective, permitted } = plan([], []);
    expect([...bounding].sort()).toEqual(
      [
        'AUDIT_WRITE',
        'CHOWN',
        'DAC_OVERRIDE',
        'FOWNER',
        'FSETID',
        'KILL',
        'MKNOD',
        'NET_BIND_SERVICE',
        'NET_RAW',
        'SETFCAP',
        'SETGID',
        'SETPCAP',
        'SETUID',
        'SYS_CHROOT',
      ].map((name) => `CAP_${name}`),
    );
    expect(effective).toEqual(bounding);
    expect(permitted).toEqual(bounding);
  });

  it('take names with and without CAP_, in any case', () => {
    const { bounding } = plan(['sys_admin', 'CAP_NET_ADMIN'], ['Cap_Chown', 'KILL']);
    expect(bounding).toContain('CAP_SYS_ADMIN');
    expect(bounding).toContain('CAP_NET_ADMIN');
    expect(bounding).not.toContain('CAP_CHOWN');
    expect(bounding).not.toContain('CAP_KILL');
    expect(bounding).toHaveLength(14);
  });

  it('can be all but some, or only some (RES-115)', () => {
    expect(plan(['ALL'], []).bounding).toHaveLength(41);
    expect(plan(['ALL'], ['SYS_ADMIN']).bounding).not.toContain('CAP_SYS_ADMIN');
    expect(plan([], ['ALL']).bounding).toEqual([]);
    expect(plan(['NET_RAW'], ['ALL']).bounding).toEqual(['CAP_NET_RAW']);
    expect(plan(['ALL', 'NET_RAW'], ['NET_RAW']).bounding).not.toContain('CAP_NET_RAW');
    expect(plan(['NET_RAW'], ['NET_RAW']).bounding).toContain('CAP_NET_RAW');
  });

  it('are those that can be had here', () => {
    expect(plan(['ALL'], [], 0, 37).bounding).toHaveLength(38);
    expect(() => plan(['BPF'], [], 0, 37)).toThrow(/"BPF" cannot be had/);
    expect(plan([], ['BPF'], 0, 37).bounding).toHaveLength(14);
    expect(() => plan([], ['NONSENSE'])).toThrow(/"NONSENSE" is no capability/);
  });

  it('stay a bound only for users other than root', () => {
    const { bounding, effective, permitted } = plan([], [], 1000);
    expect(bounding).toHaveLength(14);
    expect(effective).toEqual([]);
    expect(permitted).toEqual([]);
  });
});
