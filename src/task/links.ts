import type { ContainerSpec, TaskSpec } from './task-spec.ts';

/** A container of the task that another one wants to know by name, `name[:alias]` (networking.md §5). */
export interface Link {
  readonly containerName: string;
  readonly alias: string;
}

/** What is to be known of the target of a link. */
export interface LinkTarget {
  readonly ipv4: string;
  /** Ports that it publishes or that its image exposes. */
  readonly ports: readonly LinkedPort[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface LinkedPort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** Without an alias the name is it. More than one colon makes no link: undefined. */
export function parseLink(text: string): Link | undefined {
  const [containerName = '', alias = containerName, ...more] = text.split(':');
  return more.length > 0 || containerName === '' || alias === '' ? undefined : { containerName, alias };
}

/** Why a task's links cannot be had, or undefined; the first words are those that users know. */
export function linkProblem({ containers, networkMode }: TaskSpec): string | undefined {
  for (const { name, links = [] } of containers)
    for (const text of links) {
      const link = parseLink(text);
      const where = `container "${name}"`;
      if (link === undefined) return `invalid link format "${text}" of ${where}; write name or name:alias`;
      if (!containers.some((other) => other.name === link.containerName))
        return `could not find container for link ${text} of ${where}`;
      if (networkMode !== 'bridge')
        return `${where} has links, which only network mode bridge has, not ${networkMode}`;
    }
  return undefined;
}

/** The links of a container that are ones; `linkProblem` tells of the others. */
export function linksOf({ links = [] }: ContainerSpec): readonly Link[] {
  return links.map(parseLink).filter((link) => link !== undefined);
}

/** Variables that a link gives a container, as Docker's legacy links do. `ownName` is the container's shown name. */
export function linkEnvironment(
  { alias }: Link,
  ownName: string,
  { ipv4, ports, environment }: LinkTarget,
): Readonly<Record<string, string>> {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const sorted = sortedPorts(ports);
  const [first] = sorted;
  const variables: Record<string, string> = {};
  if (first !== undefined) variables[`${prefix}_PORT`] = urlOf(ipv4, first);
  for (const run of runsOf(sorted)) Object.assign(variables, runVariables(prefix, ipv4, run));
  for (const port of sorted) Object.assign(variables, portVariables(prefix, ipv4, port));
  variables[`${prefix}_NAME`] = `/${ownName}/${alias}`;
  for (const [key, value] of Object.entries(environment))
    if (key !== 'HOME' && key !== 'PATH') variables[`${prefix}_ENV_${key}`] = value;
  return variables;
}

/** TCP first, then by number; each once. */
function sortedPorts(ports: readonly LinkedPort[]): readonly LinkedPort[] {
  const unique = new Map(ports.map((port) => [`${port.port}/${port.protocol}`, port]));
  return [...unique.values()].sort((a, b) => a.protocol.localeCompare(b.protocol) || a.port - b.port);
}

/** Runs of at least two ports one after the other. */
function runsOf(sorted: readonly LinkedPort[]): readonly (readonly [LinkedPort, LinkedPort])[] {
  const runs: [LinkedPort, LinkedPort][] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    const follows = run?.[1].protocol === port.protocol && run[1].port + 1 === port.port;
    if (run !== undefined && follows) run[1] = port;
    else runs.push([port, port]);
  }
  return runs.filter(([first, last]) => first !== last);
}

function runVariables(
  prefix: string,
  ip: string,
  [first, last]: readonly [LinkedPort, LinkedPort],
): Record<string, string> {
  const name = `${prefix}_PORT_${first.port}_${first.protocol.toUpperCase()}`;
  return {
    [`${name}_START`]: urlOf(ip, first),
    [`${name}_PORT_START`]: String(first.port),
    [`${name}_END`]: urlOf(ip, last),
    [`${name}_PORT_END`]: String(last.port),
  };
}

function portVariables(prefix: string, ip: string, port: LinkedPort): Record<string, string> {
  const name = `${prefix}_PORT_${port.port}_${port.protocol.toUpperCase()}`;
  return {
    [name]: urlOf(ip, port),
    [`${name}_ADDR`]: ip,
    [`${name}_PORT`]: String(port.port),
    [`${name}_PROTO`]: port.protocol,
  };
}

function urlOf(ip: string, { port, protocol }: LinkedPort): string {
  return `${protocol}://${ip}:${port}`;
}
