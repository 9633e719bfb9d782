import { describe, expect, it } from 'vitest';
import { parseSecurityOptions } from '../../../../../src/runtime/containerd/oci/security-options.ts';
import { planSelinuxLabels } from '../../../../../src/runtime/containerd/oci/selinux-label.ts';

describe('security options', () => {
  it.each([
    [[], { noNewPrivileges: false, labels: [] }],
    [['no-new-privileges'], { noNewPrivileges: true, labels: [] }],
    [['no-new-privileges:true'], { noNewPrivileges: true, labels: [] }],
    [['no-new-privileges=false'], { noNewPrivileges: false, labels: [] }],
    [['apparmor:mine'], { noNewPrivileges: false, appArmor: 'mine', labels: [] }],
    [['apparmor=unconfined'], { noNewPrivileges: false, appArmor: 'unconfined', labels: [] }],
    [['seccomp={"a":1}'], { noNewPrivileges: false, seccomp: '{"a":1}', labels: [] }],
    [
      ['label:type:t', 'label=level:s0:c1,c2'],
      { noNewPrivileges: false, labels: ['type:t', 'level:s0:c1,c2'] },
    ],
  ])('%o are %o', (options, read) => {
    expect(parseSecurityOptions(options)).toEqual(read);
  });

  it.each([
    'nonsense',
    'apparmor',
    'seccomp:',
    'no-new-privileges:maybe',
    'label:colour:red',
    'label:type:',
    '',
  ])('refuse what means nothing, by its name: "%s"', (option) => {
    expect(() => parseSecurityOptions([option])).toThrow(
      `dockerSecurityOptions: "${option}" means nothing here`,
    );
  });
});

describe('SELinux labels', () => {
  const contexts = {
    process: 'system_u:system_r:container_t:s0',
    file: 'system_u:object_r:container_file_t:s0',
  };

  it('are none unless asked for, and none when disabled', () => {
    expect(planSelinuxLabels([], contexts, 'a')).toBeUndefined();
    expect(planSelinuxLabels(['disable'], contexts, 'a')).toBeUndefined();
    expect(planSelinuxLabels(['disable'], undefined, 'a')).toBeUndefined();
  });

  it('put what is asked for into those of the policy', () => {
    const options = ['user:u', 'role:r', 'type:t', 'level:s0:c7'];
    expect(planSelinuxLabels(options, contexts, 'a')).toEqual({
      process: 'u:r:t:s0:c7',
      mount: 'u:object_r:container_file_t:s0:c7',
    });
  });

  it('keep containers apart by two categories, the same ones at every look', () => {
    const levelOf = (id: string) => planSelinuxLabels(['type:t'], contexts, id)?.process.split(':').slice(3);
    const ids = Array.from({ length: 100 }, (_, index) => `container-${index}`);
    for (const id of ids) {
      const [, categories = ''] = levelOf(id) ?? [];
      const [, first, second] = /^c(\d+),c(\d+)$/.exec(categories) ?? [];
      expect(Number(first)).toBeLessThan(Number(second));
      expect(Number(second)).toBeLessThan(1024);
      expect(levelOf(id)).toEqual(levelOf(id));
    }
    expect(new Set(ids.map((id) => levelOf(id)?.join())).size).toBeGreaterThan(95);
  });

  it('are refused on a host without SELinux, with what was asked for', () => {
    expect(() => planSelinuxLabels(['type:t'], undefined, 'a')).toThrow('"label:type:t" cannot be had');
  });
});
