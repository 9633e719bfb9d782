/** A difference between the two runtimes that is meant to be. */
export interface IntendedDifference {
  readonly fields: RegExp;
  /** Cases in which it shows; absent: any. */
  readonly cases?: RegExp;
  /** Lines that only one of the two has, `-` Docker's, `+` containerd's; all that differ are of this form. */
  readonly lines: RegExp;
  readonly reason: string;
}

export const INTENDED: readonly IntendedDifference[] = [
  {
    fields: /^mounts$/,
    cases: /^(?!disableNetworking)/,
    lines: /^[-+] (\/ overlay|\/(data|volume) bind) r[ow],relatime( master)?$/,
    reason:
      'Docker leaves the root file system and volumes slaves of its own mounts, so that what the host mounts there ' +
      'later appears in the container; ours are private, as binds are in both',
  },
  {
    fields: /^(mounts|hosts|resolver)$/,
    cases: /^disableNetworking/,
    lines: /./,
    reason:
      'a container without a network has the files about names of network mode none; Docker leaves it those of ' +
      'the image, as a rule empty ones',
  },
  {
    fields: /^(environment|hostname|setting net\/ipv4\/(ip_unprivileged_port_start|ping_group_range))$/,
    cases: /^disableNetworking on the host network$/,
    lines: /./,
    reason:
      'a container without a network is the same in a task of any network mode; Docker gives it the name of the ' +
      'host, and lets nobody but root bind low ports, where the mode is host',
  },
];
