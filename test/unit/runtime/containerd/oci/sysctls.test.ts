import { describe, expect, it } from 'vitest';
import { planSysctls } from '../../../../../src/runtime/containerd/oci/sysctls.ts';
import { containerId } from '../../../../../src/task/ids.ts';

const own = { network: { kind: 'isolated' }, sysctls: {} } as const;

describe('kernel settings of a container', () => {
  it.each(['kernel.shmmax', 'kernel.msgmax', 'kernel.sem', 'kernel.shm_rmid_forced', 'fs.mqueue.msg_max'])(
    'may be those of its IPC namespace: %s',
    (name) => {
      expect(planSysctls({ ...own, sysctls: { [name]: '1' } })).toMatchObject({ [name]: '1' });
      const shared = { ...own, ipc: { kind: 'host' }, sysctls: { [name]: '1' } } as const;
      expect(() => planSysctls(shared)).toThrow(
        `systemControls: ${name}=1 would change the host: the container is in the host's IPC namespace`,
      );
      const joined = {
        ...own,
        ipc: { kind: 'container', id: containerId('a') },
        sysctls: { [name]: '1' },
      } as const;
      expect(planSysctls(joined)).toMatchObject({ [name]: '1' });
    },
  );

  it('may be those of its network, not on the host network (RES-93)', () => {
    const sysctls = { 'net.core.somaxconn': '9', 'net/ipv4/conf/eth0.1/forwarding': '1' };
    expect(planSysctls({ ...own, sysctls })).toMatchObject(sysctls);
    expect(() => planSysctls({ network: { kind: 'host' }, sysctls })).toThrow(
      "systemControls: net.core.somaxconn=9 would change the host: the container is in the host's network",
    );
  });

  it.each(['vm.swappiness', 'kernel.panic', 'fs.file-max'])('may not be those of the host: %s', (name) => {
    expect(() => planSysctls({ ...own, sysctls: { [name]: '1' } })).toThrow(
      `systemControls: ${name}=1 would change the host: it is no setting of a namespace`,
    );
  });

  it('carry the NIS domain, for which OCI runtimes have no member', () => {
    expect(planSysctls({ ...own, domainname: 'example' })).toMatchObject({ 'kernel.domainname': 'example' });
  });
});
