import type { SeccompProfile, SeccompRule } from './profile.ts';

/**
 * The system calls that a container may make without being asked for more: the same as under Docker 25, whose
 * default profile (documented under "Seccomp security profiles for Docker") leaves out what has no namespaces, what
 * reaches the kernel itself, and io_uring. Written from the kernel's tables by what the calls are for; the test
 * beside it holds the calls that must and must not be in it.
 */
const ALWAYS: readonly string[] = [
  // Files, directories, descriptors and what is read and written through them.
  `
    _llseek access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat
    faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
    fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs
    fstatfs64 fsync ftruncate ftruncate64 getcwd getdents getdents64 getxattr ioctl lchown lchown32 lgetxattr
    link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat
    name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2
    read readahead readlink readlinkat readv removexattr rename renameat renameat2 rmdir sendfile sendfile64
    setxattr splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs tee truncate
    truncate64 unlink unlinkat vmsplice write writev`,
  // Users, groups, capabilities.
  `
    capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid
    getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
    setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32
    setuid setuid32`,
  // Processes and their limits; `clone` has a rule below.
  `
    execve execveat exit exit_group fork get_thread_area getpgid getpgrp getpid getppid getrlimit getrusage
    getsid gettid landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open prctl prlimit64
    process_mrelease seccomp set_thread_area set_tid_address setpgid setrlimit setsid ugetrlimit vfork wait4
    waitid waitpid`,
  // Signals.
  `
    alarm kill pause pidfd_send_signal restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd
    signalfd4 sigprocmask sigreturn tgkill tkill`,
  // Memory.
  `
    brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall
    mmap mmap2 mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect
    remap_file_pages`,
  // Scheduling, priorities, locks between threads.
  `
    futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list getcpu getpriority
    ioprio_get ioprio_set rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
    sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
    sched_setattr sched_setparam sched_setscheduler sched_yield set_robust_list setpriority`,
  // Clocks, timers, timestamps of files.
  `
    adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 futimesat getitimer gettimeofday nanosleep setitimer time
    timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
    timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times utime utimensat
    utimensat_time64 utimes`,
  // Waiting for many things at once, asynchronous I/O without io_uring.
  `
    _newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
    epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
    io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit poll ppoll
    ppoll_time64 pselect6 pselect6_time64 select`,
  // Sockets; `socket` itself has a rule below.
  `
    accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
    recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  // Message queues, semaphores, shared memory.
  `
    ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
    mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt
    shmget`,
  // The machine.
  `
    getrandom sysinfo umask uname`,
].flatMap(namesOf);

/** Calls that go with a capability of the bounding set. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_BPF: 'bpf',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_PERFMON: 'perf_event_open',
  CAP_SYS_ADMIN: `
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount
    open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYSLOG: 'syslog',
  CAP_SYS_MODULE: 'delete_module finit_module init_module',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'ioperm iopl',
  CAP_SYS_TIME: 'clock_settime clock_settime64 settimeofday stime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
};

/** Calls that only some machines have, by Go's name of the machine. */
const BY_MACHINE: readonly (readonly [machines: readonly string[], names: string])[] = [
  [['amd64'], 'arch_prctl modify_ldt'],
  [['arm64'], 'arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2'],
];

/** Before Linux 4.8 ptrace went round seccomp; the agent's Node runs on no kernel that old. */
const TRACING = 'process_vm_readv process_vm_writev ptrace';

/** CLONE_NEW* of clone(2): making a namespace needs CAP_SYS_ADMIN. */
const NEW_NAMESPACES = 0x7e02_0000;
/** Virtual machines' sockets have no namespaces: the host's would be reached (vsock(7)). */
const AF_VSOCK = 40;
/** personality(2): Linux, 32-bit Linux, both with the random addresses of UNAME26, and asking which. */
const PERSONALITIES = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];
/** Programs fall back to `clone`, whose flags can be looked at, when the kernel says that it has no `clone3`. */
const ENOSYS = 38;
const EPERM = 1;

const allow = (names: string, more: Partial<SeccompRule> = {}): SeccompRule => ({
  names: namesOf(names),
  action: 'SCMP_ACT_ALLOW',
  ...more,
});
const equal = (value: number) => [{ index: 0, value, op: 'SCMP_CMP_EQ' }];

export const DEFAULT_PROFILE: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  syscalls: [
    { names: ALWAYS, action: 'SCMP_ACT_ALLOW' },
    allow(TRACING),
    allow('socket', { args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] }),
    ...PERSONALITIES.map((value) => allow('personality', { args: equal(value) })),
    ...BY_MACHINE.map(([arches, names]) => allow(names, { includes: { arches } })),
    ...Object.entries(BY_CAPABILITY).map(([cap, names]) => allow(names, { includes: { caps: [cap] } })),
    allow('clone', {
      args: [{ index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    }),
    {
      names: ['clone3'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: ENOSYS,
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    },
  ],
};

function namesOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((name) => name !== '');
}
