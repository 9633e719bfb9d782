import { randomUUID } from 'node:crypto';
import { Backoff } from '../async/backoff.ts';
import { sleep } from '../async/deadline.ts';
import type { InstanceMetadata } from '../aws/imds.ts';
import type { Machine } from '../host/machine.ts';
import type { CapabilityContext } from './capabilities.ts';
import {
  type EcsApi,
  EcsApiError,
  type NameValue,
  type RegisterContainerInstanceRequest,
  type RegisteredContainerInstance,
} from './ecs-api.ts';
import type { InstanceFacts } from './instance-facts.ts';
import { NO_IDENTITY, readInstanceIdentity } from './instance-identity.ts';
import { RegistrationError } from './registration-error.ts';
import { instanceAttributes, instanceTags, platformDevices, totalResources } from './registration-request.ts';
import { QUOTA_EXHAUSTED } from './retry-policy.ts';
import type { SavedStateDecision } from './saved-instance.ts';

const DEFAULT_CLUSTER = 'default';
const AVAILABILITY_ZONE = 'ecs.availability-zone';
const RETRIED_FOR_MS = 60 * 60_000;
const RETRIED_CODES: ReadonlySet<string> = new Set([
  'LimitExceededException',
  'ServerException',
  'ThrottlingException',
  QUOTA_EXHAUSTED,
]);
/** Answers that another try will not change (ECS-22). */
const TERMINAL_CODES: ReadonlySet<string> = new Set(['ClientException', 'InvalidParameterException']);

/** All but what is read anew for each try. */
type RequestBase = Omit<
  RegisterContainerInstanceRequest,
  'instanceIdentityDocument' | 'instanceIdentityDocumentSignature'
>;

/** What registration needs to know; `context.config` is the configuration. */
export interface RegistrationInput {
  readonly context: CapabilityContext;
  readonly machine: Machine;
  readonly facts: InstanceFacts;
  /** GPUs that tasks may have. */
  readonly gpuIds: readonly string[];
  /** Of `judgeSavedInstance`; `discard` counts as new once the state is gone. */
  readonly saved: SavedStateDecision;
}

export interface RegistrationParts {
  readonly api: EcsApi;
  readonly imds: InstanceMetadata;
  /** The identity document could not be read: credentials may be stale (ecs-api.md §A2). */
  readonly onIdentityUnavailable: () => void;
  readonly now?: () => number;
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly newToken?: () => string;
}

/** The instance as ECS knows it now. */
export interface Registration {
  readonly containerInstanceArn: string;
  /** The cluster for all calls from now on: as configured, `default` when nothing is. */
  readonly cluster: string;
  readonly availabilityZone?: string;
}

/**
 * Registers the instance, for the first time or again (ecs-api.md §A4.1 and Part B). Throws `RegistrationError`
 * whose exit code tells the supervisor whether to start the agent again, or the signal's reason.
 */
export async function registerInstance(
  input: RegistrationInput,
  parts: RegistrationParts,
  options: { signal: AbortSignal },
): Promise<Registration> {
  const { config } = input.context;
  if (config.propagateTagsFrom === 'ec2_instance')
    throw new RegistrationError(
      'ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM=ec2_instance is not supported yet; unset it and name the tags in ECS_CONTAINER_INSTANCE_TAGS',
      5,
    );
  const arn = input.saved.kind === 'keep' ? input.saved.containerInstanceArn : undefined;
  const cluster = config.cluster || DEFAULT_CLUSTER;
  const request: RequestBase = {
    cluster,
    ...(arn !== undefined && { containerInstanceArn: arn }),
    totalResources: totalResources(config, input.machine),
    attributes: instanceAttributes(input.context, input.machine, input.facts, arn === undefined),
    ...instanceTags(config),
    ...platformDevices(input.gpuIds),
    clientToken: (parts.newToken ?? randomUUID)(),
  };
  const register = async () => await registerPersistently(request, config.noInstanceIdentity, parts, options);

  let registered: RegisteredContainerInstance;
  try {
    registered = await register().catch(async (error: unknown) => {
      if (config.cluster !== '' || arn !== undefined || !isClusterMissing(error)) throw error;
      await parts.api.createCluster(DEFAULT_CLUSTER, options);
      return await register();
    });
  } catch (error) {
    options.signal.throwIfAborted();
    throw asRegistrationError(error, cluster, arn !== undefined);
  }

  checkEcho(request.attributes, registered.attributes, Object.keys(config.instanceAttributes));
  const zone = registered.attributes.find(({ name }) => name === AVAILABILITY_ZONE)?.value;
  return {
    containerInstanceArn: arn ?? registered.containerInstanceArn,
    cluster,
    ...(zone !== undefined && { availabilityZone: zone }),
  };
}

/** One registration with its retries: 3 s ×2 up to 192 s, for an hour (ECS-23, ECS-77). */
async function registerPersistently(
  request: RequestBase,
  noIdentity: boolean,
  parts: RegistrationParts,
  { signal }: { signal: AbortSignal },
): Promise<RegisteredContainerInstance> {
  const now = parts.now ?? Date.now;
  const wait = parts.wait ?? sleep;
  const identity = noIdentity
    ? NO_IDENTITY
    : await readInstanceIdentity(parts.imds, { signal, wait, onUnavailable: parts.onIdentityUnavailable });
  const whole: RegisterContainerInstanceRequest = {
    ...request,
    instanceIdentityDocument: identity.document,
    instanceIdentityDocumentSignature: identity.signature,
  };
  const backoff = new Backoff({ minMs: 3_000, maxMs: 192_000, factor: 2, jitter: 0.2 });
  const endsAt = now() + RETRIED_FOR_MS;
  for (;;) {
    try {
      return await parts.api.registerContainerInstance(whole, { signal });
    } catch (error) {
      if (!(error instanceof EcsApiError) || !RETRIED_CODES.has(error.code)) throw error;
      const delay = backoff.next();
      if (now() + delay >= endsAt) throw error;
      await wait(delay, signal);
    }
  }
}

function isClusterMissing(error: unknown): boolean {
  return (
    error instanceof EcsApiError &&
    (error.code === 'ClusterNotFoundException' || error.message.includes('Cluster not found.'))
  );
}

function asRegistrationError(error: unknown, cluster: string, again: boolean): RegistrationError {
  if (error instanceof RegistrationError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const message = `this instance could not be registered in cluster ${cluster}: ${text}`;
  const typeChanged = again && text.includes('Container instance type changes are not supported.');
  if (typeChanged)
    return new RegistrationError(`${message}; empty the data directory to register anew`, 5, error);
  const terminal = error instanceof EcsApiError && TERMINAL_CODES.has(error.code);
  return new RegistrationError(message, terminal ? 5 : 1, error);
}

/** Every attribute sent with a value must come back with it (ECS-21); names alone need not (ECS-76). */
function checkEcho(
  sent: readonly NameValue[],
  returned: readonly NameValue[],
  custom: readonly string[],
): void {
  const values = new Map(returned.map(({ name, value }) => [name, value]));
  const lost = sent.filter(({ name, value }) => value !== undefined && values.get(name) !== value);
  if (lost.length === 0) return;
  const hint = custom.length > 0 ? '; check ECS_INSTANCE_ATTRIBUTES' : '';
  throw new RegistrationError(
    `Attribute validation failed: ECS did not take over ${lost.map(({ name }) => name).join(', ')}${hint}`,
    5,
  );
}

/**
 * Whether tasks get cgroups of their own. Throws `RegistrationError` with exit code 5 when they are demanded but
 * cannot be made (CFG-41); by default they are left out then (CFG-89).
 */
export function decideTaskCgroups(
  mode: 'required' | 'preferred' | 'off',
  failure: string | undefined,
): boolean {
  if (mode === 'off') return false;
  if (failure === undefined) return true;
  if (mode === 'preferred') return false;
  throw new RegistrationError(
    `ECS_ENABLE_TASK_CPU_MEM_LIMIT is true but task cgroups cannot be made: ${failure}`,
    5,
  );
}
