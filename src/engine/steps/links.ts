import type { LinkedContainer } from '../../network/network.ts';
import { TaskError } from '../../task/errors.ts';
import { containerDisplayName, containerIdOf } from '../../task/ids.ts';
import { type LinkedPort, linkEnvironment, linksOf } from '../../task/links.ts';
import type { ContainerSpec } from '../../task/task-spec.ts';
import { type ContainerStepContext, containerOf } from '../step-context.ts';

/** Characters of its id that a container without a name of its own is called by (NET-21). */
const DEFAULT_NAME_LENGTH = 12;

/** The containers that one is linked to, as they are now. One that does not run cannot be linked to (NET-18). */
export function linkedContainers(
  { task }: ContainerStepContext,
  container: ContainerSpec,
): readonly LinkedContainer[] {
  const { arn, family, version } = task.spec;
  return linksOf(container).map(({ containerName, alias }): LinkedContainer => {
    const { spec, state } = containerOf(task, containerName);
    const { ipv4 } = state.addresses ?? {};
    if (ipv4 === undefined || state.known !== 'RUNNING')
      throw new TaskError('HostConfigError', `Link target not available: ${containerName}`);
    const id = containerIdOf(arn, containerName, state.generation);
    return {
      id,
      alias,
      ipv4,
      name: containerDisplayName(family, version, containerName, id),
      hostname: spec.options.hostname ?? id.slice(0, DEFAULT_NAME_LENGTH),
    };
  });
}

/**
 * Variables that the links of a container give it; `ownName` is its shown name. Secrets of a target stay its own.
 * None where the runtime makes the links: then it gives them itself.
 */
export async function linkVariables(
  context: ContainerStepContext,
  container: ContainerSpec,
  ownName: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (context.runtime.info.network === 'own') return {};
  const variables: Record<string, string> = {};
  const targets = linkedContainers(context, container);
  for (const [index, link] of linksOf(container).entries()) {
    const { spec } = containerOf(context.task, link.containerName);
    const ipv4 = targets[index]?.ipv4 ?? '';
    const image = await context.images.find(spec.image, { signal });
    const ports = [...publishedPorts(spec), ...(image?.config.exposedPorts ?? []).flatMap(parseExposed)];
    const environment = { ...image?.config.environment, ...spec.environment };
    Object.assign(variables, linkEnvironment(link, ownName, { ipv4, ports, environment }));
  }
  return variables;
}

function publishedPorts({ portMappings = [] }: ContainerSpec): readonly LinkedPort[] {
  return portMappings.flatMap(({ containerPort, protocol, rangeLength = 1 }) =>
    Array.from({ length: rangeLength }, (_, i) => ({ port: containerPort + i, protocol })),
  );
}

function parseExposed(text: string): readonly LinkedPort[] {
  const [, port, protocol] = /^(\d+)(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (port === undefined) return [];
  return [{ port: Number(port), protocol: protocol === 'udp' ? 'udp' : 'tcp' }];
}
