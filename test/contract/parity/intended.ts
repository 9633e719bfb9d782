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
    fields:
      /^(environment|hostname|may: reach itself by its name|setting net\/ipv4\/(ip_unprivileged_port_start|ping_group_range))$/,
    cases: /^disableNetworking on the host network$/,
    lines: /./,
    reason:
      'a container without a network is the same in a task of any network mode; Docker gives it the name of the ' +
      'host, and lets nobody but root bind low ports, where the mode is host',
  },
  {
    fields: /^(setting net\/ipv6\/conf\/all\/disable_ipv6|addresses)$/,
    lines: /^(- 1|\+ 0|\+ lo inet6 ::1\/128 scope host .*)$/,
    reason:
      'a container without a network has IPv6 on its loopback, as under dockerd from version 26 on; older ones turn it off',
  },
  {
    fields: /^hosts$/,
    cases: /\bbridge network\b/,
    lines: /^- [0-9a-f:]+\s+(localhost )?ip6-\S+( \S+)*$/,
    reason:
      'in bridge mode, which has no IPv6 here, the hosts file names no address of IPv6, as under dockerd from version ' +
      '26 on; older ones name them nevertheless',
  },
  {
    fields: /^status$/,
    cases: /^privileged/,
    lines: /^[-+] Cap(Prm|Eff|Bnd):/,
    reason:
      'a privileged container has every capability of the kernel; the dockerd of the distribution knows those of Linux ' +
      'up to 5.7',
  },
];
