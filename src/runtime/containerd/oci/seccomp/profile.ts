import { z } from '../../../../schema.ts';
import { TaskError } from '../../../../task/errors.ts';
import type { OciSeccomp } from '../oci-types.ts';
import { DEFAULT_PROFILE } from './default-profile.ts';

const argumentSchema = z.object({
  index: z.int(),
  value: z.number(),
  valueTwo: z.exactOptional(z.number()),
  op: z.string(),
});
const conditionSchema = z.object({
  caps: z.nullish(z.array(z.string())),
  arches: z.nullish(z.array(z.string())),
  minKernel: z.nullish(z.string()),
});
const ruleSchema = z.object({
  /** The older form names one call. */
  name: z.nullish(z.string()),
  names: z.nullish(z.array(z.string())),
  action: z.string(),
  errnoRet: z.nullish(z.int()),
  args: z.nullish(z.array(argumentSchema)),
  includes: z.nullish(conditionSchema),
  excludes: z.nullish(conditionSchema),
});
const profileSchema = z.object({
  defaultAction: z.string(),
  defaultErrnoRet: z.nullish(z.int()),
  /** OCI names of machines; absent: those that this machine runs. */
  architectures: z.nullish(z.array(z.string())),
  syscalls: z.nullish(z.array(ruleSchema)),
});

type Deep<T> = T extends readonly (infer U)[]
  ? readonly Deep<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Deep<T[K]> }
    : T;

/** A filter of system calls as Docker writes it: rules may hold for some machines and capabilities only. */
export type SeccompProfile = Deep<z.infer<typeof profileSchema>>;
export type SeccompRule = Deep<z.infer<typeof ruleSchema>>;
type Condition = Deep<z.infer<typeof conditionSchema>>;

/** What decides which rules hold. */
export interface SeccompFacts {
  /** Capabilities of the bounding set, `CAP_SYS_ADMIN`. */
  readonly capabilities: readonly string[];
  readonly machine: SeccompMachine;
  /** Release of the kernel, `6.1.0-18-amd64`. */
  readonly kernel: string;
}

/** Machines by Go's names, which profiles use; those that this agent runs on. */
export type SeccompMachine = 'amd64' | 'arm64';

/** What a machine's kernel runs, its own calls first. */
const ARCHITECTURES: Readonly<Record<SeccompMachine, readonly string[]>> = {
  amd64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

/**
 * The filter of a container: `wanted` is `unconfined` (none), `builtin` or absent (the default one), or a
 * profile's JSON text. Throws CannotCreateContainerError for a text that is
 * none.
 */
export function planSeccomp(wanted: string | undefined, facts: SeccompFacts): OciSeccomp | undefined {
  if (wanted === 'unconfined') return undefined;
  const isDefault = wanted === undefined || wanted === '' || wanted === 'builtin';
  return resolveProfile(isDefault ? DEFAULT_PROFILE : parseProfile(wanted), facts);
}

/** Leaves the rules that hold here, in the OCI runtime's words. Pure. */
export function resolveProfile(profile: SeccompProfile, facts: SeccompFacts): OciSeccomp {
  const rules = (profile.syscalls ?? []).filter(
    ({ includes, excludes }) => isMet(includes, facts) && !isTouched(excludes, facts),
  );
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet != null && { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: profile.architectures ?? ARCHITECTURES[facts.machine],
    syscalls: rules.map(({ name, names, action, errnoRet, args }) => ({
      names: names ?? (name == null ? [] : [name]),
      action,
      ...(errnoRet != null && { errnoRet }),
      ...(args != null && args.length > 0 && { args }),
    })),
  };
}

/** Everything that a rule asks for is so. */
function isMet(condition: Condition | null | undefined, facts: SeccompFacts): boolean {
  if (condition == null) return true;
  const { caps, arches, minKernel } = condition;
  return (
    (arches == null || arches.length === 0 || arches.includes(facts.machine)) &&
    (caps ?? []).every((cap) => facts.capabilities.includes(cap)) &&
    (minKernel == null || isAtLeast(facts.kernel, minKernel))
  );
}

/** Something that a rule keeps away from is so. */
function isTouched(condition: Condition | null | undefined, facts: SeccompFacts): boolean {
  if (condition == null) return false;
  const { caps, arches, minKernel } = condition;
  return (
    (arches ?? []).includes(facts.machine) ||
    (caps ?? []).some((cap) => facts.capabilities.includes(cap)) ||
    (minKernel != null && isAtLeast(facts.kernel, minKernel))
  );
}

function isAtLeast(kernel: string, least: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

function parseProfile(text: string): SeccompProfile {
  try {
    return profileSchema.parse(JSON.parse(text));
  } catch (error) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new TaskError(
      'CannotCreateContainerError',
      `dockerSecurityOptions: seccomp=${shown} is neither "unconfined" nor the JSON text of a seccomp profile`,
      { cause: error },
    );
  }
}
