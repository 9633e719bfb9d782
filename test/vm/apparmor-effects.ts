import { readFileSync } from 'node:fs';
import { DEFAULT_APPARMOR_PROFILE } from '../../src/runtime/containerd/apparmor/default-profile.ts';
import type { CreateContainer } from '../../src/runtime/runtime.ts';
import type { ContainerdUnderTest } from '../contract/runtime/containerd-under-test.ts';
import { requestOf, script } from '../contract/runtime/containers.ts';
import { run } from '../support/run.ts';

/** A profile of an administrator: all but one file may be written to. */
const OWN_PROFILE =
  'profile ecs-vm-own flags=(attach_disconnected, mediate_deleted) { file, capability, network, mount, signal, ' +
  'deny /etc/forbidden w, }';

/**
 * Everything else that would forbid it is off: capabilities, the filter of system calls, masked and read-only
 * paths. What is denied then, the profile denies. Files are opened for writing; nothing is written to them.
 */
const ALL_ELSE_OFF: Partial<CreateContainer> = {
  capabilitiesAdd: ['ALL'],
  maskedPaths: [],
  readonlyPaths: [],
};

/** `yes`, or why not; its confinement is that of the program that tries. */
const ATTEMPTS = `
attempt() { name=$1; shift; if text=$("$@" 2>&1); then echo "$name: yes"; else echo "$name: $text"; fi; }
opens() { attempt "$1" sh -c ": >> $1"; }
echo "confinement: $(cat /proc/self/attr/current)"
attempt mount mount -t tmpfs none /tmp
attempt bind mount -o bind /etc /tmp
attempt umount umount /dev/shm
opens /proc/sysrq-trigger
opens /proc/sys/kernel/core_pattern
opens /proc/sys/vm/swappiness
opens /proc/sys/kernel/shmmax
opens /proc/self/oom_score_adj
opens /etc/forbidden
opens /etc/allowed
attempt /proc/kcore head -c 1 /proc/kcore
attempt 'signal to its own' sh -c 'sleep 100 & kill $!'
`;

/** What a confined program may do, by the name of the attempt. */
export type Confined = Readonly<Record<string, string>>;

/** Runs the attempts under the default profile, under none, under one that is named and as privileged. */
export async function appArmorEffects(under: ContainerdUnderTest) {
  const { runtime } = under;
  const { signal } = new AbortController();
  const before = loadedProfiles();
  const attempts = async (name: string, options: Partial<CreateContainer>): Promise<Confined> => {
    const request = await requestOf(under, name, { ...script('sleep 1000'), ...ALL_ELSE_OFF, ...options });
    await runtime.createContainer(request, { signal });
    await runtime.startContainer(request.id, { signal });
    const { output } = await runtime.exec(
      request.id,
      { args: ['sh', '-c', ATTEMPTS], outputLimit: 16_384 },
      { signal },
    );
    const first = await runtime.exec(
      request.id,
      { args: ['sh', '-c', 'cat /proc/1/attr/current'], outputLimit: 1024 },
      { signal },
    );
    const stopped = await runtime.stopContainer(request.id, { killAtMs: 0 }, { signal });
    await runtime.removeContainer(request.id, { signal });
    const lines = output.trim().split('\n');
    return {
      ...Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      ),
      'first process': first.output.trim(),
      'stop code': String(stopped?.exitCode),
    };
  };
  const seccomp = 'seccomp=unconfined';
  const standard = await attempts('confined', { securityOptions: [seccomp] });
  const after = loadedProfiles();
  const unconfined = await attempts('unconfined', { securityOptions: [seccomp, 'apparmor:unconfined'] });
  const privileged = await attempts('privileged', { privileged: true });
  await run('apparmor_parser', ['-Kr'], { input: OWN_PROFILE, timeoutMs: 120_000 });
  const own = await attempts('own', { securityOptions: [seccomp, 'apparmor=ecs-vm-own'] });
  const missing = await requestOf(under, 'missing', {
    ...script('true'),
    securityOptions: ['apparmor:nobody-has-it'],
  });
  const refusal = await runtime.createContainer(missing, { signal }).then(
    () => 'created',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  await runtime.removeContainer(missing.id, { signal });
  return {
    loadedBefore: before.includes(DEFAULT_APPARMOR_PROFILE),
    loaded: after.find((line) => line.startsWith(DEFAULT_APPARMOR_PROFILE)) ?? '',
    ...{ standard, unconfined, privileged, own, refusal },
  };
}

/** Lines of the kernel's list, `name (enforce)`. */
function loadedProfiles(): readonly string[] {
  return readFileSync('/sys/kernel/security/apparmor/profiles', 'utf8').trim().split('\n');
}
