import { describe, expect, it } from 'vitest';
import { planSeccomp, type SeccompFacts } from '../../../../../src/runtime/containerd/oci/seccomp/profile.ts';

const facts: SeccompFacts = { capabilities: ['CAP_SYS_CHROOT'], machine: 'amd64', kernel: '6.1.0-18-amd64' };

function filterOf(changes: Partial<SeccompFacts> = {}, wanted?: string) {
  const filter = planSeccomp(wanted, { ...facts, ...changes });
  if (filter === undefined) throw new Error('no filter');
  return filter;
}

/** What becomes of a call, whatever its arguments are where a rule has any. */
function actionsOf(call: string, changes: Partial<SeccompFacts> = {}): readonly string[] {
  return filterOf(changes)
    .syscalls.filter(({ names }) => names.includes(call))
    .map(({ action, errnoRet, args }) =>
      [action.slice('SCMP_ACT_'.length), errnoRet, args === undefined ? undefined : 'by its arguments']
        .filter((part) => part !== undefined)
        .join(' '),
    );
}

describe('the default filter of system calls', () => {
  it('answers EPERM to what it does not know', () => {
    expect(filterOf()).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 });
  });

  it.each(['read', 'openat2', 'futex_waitv', 'ptrace', 'landlock_add_rule', 'fchmodat2', 'cachestat'])(
    'allows %s',
    (call) => {
      expect(actionsOf(call)).toEqual(['ALLOW']);
    },
  );

  it.each([
    ...[
      'io_uring_setup',
      'keyctl',
      'add_key',
      'request_key',
      'userfaultfd',
      'kexec_load',
      'swapon',
      'pivot_root',
    ],
    ...['nfsservctl', 'uselib', 'vm86', 'sysfs', 'ustat', 'move_pages', 'lookup_dcookie', 'mount', 'bpf'],
    ...['open_by_handle_at', 'reboot', 'setns', 'init_module', 'iopl', 'settimeofday', 'kcmp'],
  ])('does not allow %s', (call) => {
    expect(actionsOf(call)).toEqual([]);
  });

  it('allows clone without new namespaces, and has programs fall back to it from clone3', () => {
    expect(actionsOf('clone')).toEqual(['ALLOW by its arguments']);
    expect(actionsOf('clone3')).toEqual(['ERRNO 38']);
    const rule = filterOf().syscalls.find(({ names }) => names.includes('clone'));
    // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
    expect(rule?.args).toEqual([{ index: 0, value: 0x7e02_0000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]);
  });

  it('keeps away the sockets of virtual machines and unusual personalities', () => {
    const argsOf = (call: string) =>
      filterOf()
        .syscalls.filter(({ names }) => names.includes(call))
        .map(({ args }) => args?.[0]);
    expect(argsOf('socket')).toEqual([{ index: 0, value: 40, op: 'SCMP_CMP_NE' }]);
    expect(argsOf('personality').map((arg) => arg?.value)).toEqual([0, 8, 0x20000, 0x20008, 0xffffffff]);
  });

  it.each([
    ['CAP_SYS_ADMIN', ['mount', 'clone', 'clone3', 'setns', 'unshare', 'bpf', 'syslog', 'quotactl_fd']],
    ['CAP_SYS_PTRACE', ['kcmp', 'pidfd_getfd', 'process_madvise']],
    ['CAP_SYS_TIME', ['settimeofday', 'clock_settime']],
    ['CAP_SYS_MODULE', ['init_module']],
    ['CAP_SYS_NICE', ['mbind', 'set_mempolicy_home_node']],
    ['CAP_DAC_READ_SEARCH', ['open_by_handle_at']],
    ['CAP_SYSLOG', ['syslog']],
    ['CAP_BPF', ['bpf']],
    ['CAP_PERFMON', ['perf_event_open']],
  ])('allows with %s: %o', (capability, calls) => {
    for (const call of calls) {
      expect(actionsOf(call, { capabilities: [capability] }), call).toContain('ALLOW');
      expect(actionsOf(call), call).not.toContain('ALLOW');
    }
  });

  it('takes away chroot with its capability', () => {
    expect(actionsOf('chroot')).toEqual(['ALLOW']);
    expect(actionsOf('chroot', { capabilities: [] })).toEqual([]);
  });

  it('has the calls of each machine and those that its kernel runs for others', () => {
    expect(filterOf().architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
    expect(filterOf({ machine: 'arm64' }).architectures).toEqual(['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
    expect([actionsOf('arch_prctl'), actionsOf('set_tls')]).toEqual([['ALLOW'], []]);
    const arm = { machine: 'arm64' } as const;
    expect([actionsOf('arch_prctl', arm), actionsOf('set_tls', arm)]).toEqual([[], ['ALLOW']]);
  });

  it('names no call twice with the same meaning', () => {
    const [always] = filterOf().syscalls;
    expect(new Set(always?.names).size).toBe(always?.names.length);
    expect(always?.names.length).toBe(352);
  });
});

describe('a filter of the task definition', () => {
  it('is none for unconfined, and the default for builtin', () => {
    expect(planSeccomp('unconfined', facts)).toBeUndefined();
    expect(planSeccomp('builtin', facts)).toEqual(planSeccomp(undefined, facts));
  });

  it('is taken as Docker writes it, with the rules that hold here', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { name: 'mkdir', action: 'SCMP_ACT_ERRNO', args: null },
        { names: ['a'], action: 'SCMP_ACT_KILL', includes: { minKernel: '4.8', arches: ['amd64'] } },
        { names: ['b'], action: 'SCMP_ACT_KILL', includes: { minKernel: '6.2' } },
        { names: ['c'], action: 'SCMP_ACT_KILL', excludes: { caps: ['CAP_SYS_CHROOT'] } },
        { names: ['d'], action: 'SCMP_ACT_KILL', includes: { caps: ['CAP_SYS_CHROOT', 'CAP_BPF'] } },
      ],
    };
    expect(filterOf({}, JSON.stringify(profile))).toEqual({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [
        { names: ['mkdir'], action: 'SCMP_ACT_ERRNO' },
        { names: ['a'], action: 'SCMP_ACT_KILL' },
      ],
    });
  });

  it.each(['/etc/profile.json', '{}', '[]'])('is refused when it is none: %s', (text) => {
    expect(() => planSeccomp(text, facts)).toThrow(`dockerSecurityOptions: seccomp=${text} is neither`);
  });
});
