import { z } from '../../schema.ts';
import {
  type Attribute,
  discoverPollEndpointSchema,
  type RegisterContainerInstanceInput,
  type Resource,
  registerContainerInstanceSchema,
} from '../../wire/ecs-api.ts';
import { clientError, invalidParameter } from '../api-error.ts';
import { containerInstanceArn, newId } from '../arns.ts';
import { idempotent } from '../client-tokens.ts';
import { describeInstance } from '../describe-instance.ts';
import { findCluster, requireCluster, requireInstance } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import type { ClusterRecord, InstanceRecord } from '../state/records.ts';

const identitySchema = z.object({
  instanceId: z.optional(z.string()),
  instanceType: z.optional(z.string()),
  imageId: z.optional(z.string()),
  availabilityZone: z.optional(z.string()),
  architecture: z.optional(z.string()),
});
type Identity = z.infer<typeof identitySchema>;

export const registrationOperations: Readonly<Record<string, Operation>> = {
  RegisterContainerInstance: operation(registerContainerInstanceSchema, (input, call) => {
    // This call knows no ClusterNotFoundException (CP-22, CP-23).
    const cluster = findCluster(call, input.cluster);
    if (cluster === undefined || cluster.status !== 'ACTIVE') throw clientError('Cluster not found.');
    const { clientToken, ...request } = input;
    const [arn] = idempotent(call, 'RegisterContainerInstance', clientToken, request, () => [
      register(call, cluster, input),
    ]);
    const instance = arn === undefined ? undefined : call.state.instances.get(arn);
    if (instance === undefined) throw clientError('The container instance of this clientToken is gone.');
    return { containerInstance: describeInstance(instance, call, { tags: true, health: false }) };
  }),

  DiscoverPollEndpoint: operation(discoverPollEndpointSchema, (input, call) => {
    if (input.containerInstance !== undefined) {
      requireInstance(call, requireCluster(call, input.cluster), input.containerInstance);
    }
    return {
      endpoint: `${call.baseUrl}/acs/`,
      telemetryEndpoint: `${call.baseUrl}/tcs/`,
      serviceConnectEndpoint: `${call.baseUrl}/sc/`,
      systemLogsEndpoint: `${call.baseUrl}/logs/`,
    };
  }),
};

function register(call: Call, cluster: ClusterRecord, input: RegisterContainerInstanceInput): string {
  const identity = parseIdentity(input.instanceIdentityDocument);
  const before = known(call, cluster, input, identity);
  const instance: InstanceRecord = {
    containerInstanceArn:
      before?.containerInstanceArn ?? containerInstanceArn(call.settings, cluster.clusterName, newId()),
    clusterArn: cluster.clusterArn,
    ec2InstanceId: identity.instanceId ?? before?.ec2InstanceId,
    instanceType: identity.instanceType ?? before?.instanceType,
    status: before?.status ?? 'ACTIVE',
    version: (before?.version ?? 0) + 1,
    registeredAt: before?.registeredAt ?? call.nowMs,
    attributes: attributes(call, input.attributes, identity, before),
    resources: resources(input),
    versionInfo: input.versionInfo ?? before?.versionInfo ?? {},
    tags: input.tags ?? before?.tags ?? [],
    health: before?.health ?? [],
    sequence: before?.sequence ?? 0,
  };
  call.state.instances.put(instance.containerInstanceArn, instance);
  return instance.containerInstanceArn;
}

/** The instance that registers anew; undefined on its first registration. */
function known(
  call: Call,
  cluster: ClusterRecord,
  input: RegisterContainerInstanceInput,
  identity: Identity,
): InstanceRecord | undefined {
  if (input.containerInstanceArn === undefined || input.containerInstanceArn === '') return undefined;
  const instance = requireInstance(call, cluster, input.containerInstanceArn);
  if (instance.status === 'INACTIVE') {
    throw invalidParameter('The referenced container instance is inactive; it was deregistered.');
  }
  if (
    identity.instanceType !== undefined &&
    instance.instanceType !== undefined &&
    identity.instanceType !== instance.instanceType
  ) {
    throw invalidParameter(
      'Container instance type changes are not supported. Container instance ' +
        `${instance.containerInstanceArn} was previously registered as ${instance.instanceType}.`,
    );
  }
  return instance;
}

/**
 * All that was sent (§B6), what the identity tells, and custom ones of the first registration, which come first in it
 * and do not come again (§B3): so what stood before the one that is first now is custom, whatever its name.
 */
function attributes(
  call: Call,
  sent: readonly Attribute[],
  identity: Identity,
  before: InstanceRecord | undefined,
): Attribute[] {
  const earlier = before?.attributes ?? [];
  const ownBegin = earlier.findIndex(({ name }) => name === sent[0]?.name);
  const kept = earlier.filter(
    ({ name }, index) => index < ownBegin || !/^(ecs|com\.amazonaws\.ecs)\./.test(name),
  );
  const derived = [
    { name: 'ecs.availability-zone', value: identity.availabilityZone ?? `${call.settings.region}a` },
    { name: 'ecs.instance-type', value: identity.instanceType },
    { name: 'ecs.ami-id', value: identity.imageId },
    { name: 'ecs.cpu-architecture', value: identity.architecture },
  ].filter(({ value }) => value !== undefined);
  const byName = new Map([...kept, ...sent].map((attribute) => [attribute.name, attribute]));
  for (const attribute of derived) if (!byName.has(attribute.name)) byName.set(attribute.name, attribute);
  return [...byName.values()];
}

/** GPUs come as devices and are a resource from here on (§B2). */
function resources(input: RegisterContainerInstanceInput): Resource[] {
  const gpus = (input.platformDevices ?? []).filter(({ type }) => type === 'GPU').map(({ id }) => id);
  return gpus.length === 0
    ? input.totalResources
    : [...input.totalResources, { name: 'GPU', type: 'STRINGSET', stringSetValue: gpus }];
}

/** The identity document is JSON text, or empty where there is none (§B7). */
function parseIdentity(document: string | undefined): Identity {
  if (document === undefined || document === '') return {};
  try {
    return identitySchema.parse(JSON.parse(document));
  } catch {
    throw clientError('The instance identity document is not valid.');
  }
}
