import { Imds } from '../../../src/aws/imds.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { CapabilityContext } from '../../../src/ecs/capabilities.ts';
import type {
  EcsApi,
  RegisterContainerInstanceRequest,
  RegisteredContainerInstance,
} from '../../../src/ecs/ecs-api.ts';
import { IMPLEMENTED_FEATURES, type ImplementedFeatures } from '../../../src/ecs/implemented-features.ts';
import {
  type Registration,
  type RegistrationInput,
  registerInstance,
} from '../../../src/ecs/registration.ts';
import type { Machine } from '../../../src/host/machine.ts';

export const ARN =
  'arn:aws:ecs:us-west-2:123456789012:container-instance/peer/940f6ece81778dfcad53282da73c33ce';
export const MACHINE: Machine = { cpus: 2, memoryMiB: 24_105, architecture: 'x86_64' };

/** Every switch on. */
export const ALL_FEATURES = Object.fromEntries(
  Object.keys(IMPLEMENTED_FEATURES).map((name) => [name, true]),
) as unknown as ImplementedFeatures;

export async function contextOf(
  env: Readonly<Record<string, string>> = {},
  changes: Partial<Omit<CapabilityContext, 'config'>> = {},
): Promise<CapabilityContext> {
  const { config } = await loadConfig({
    env: { AWS_DEFAULT_REGION: 'us-west-2', ECS_CLUSTER: 'peer', ...env },
    readFile: async () => undefined,
    imds: { userData: async () => undefined, region: async () => undefined },
  });
  return {
    config,
    features: IMPLEMENTED_FEATURES,
    loggingDrivers: ['json-file', 'none'],
    taskCgroupsUsable: true,
    taskEniUsable: true,
    vlansUsable: true,
    faultsUsable: true,
    ...changes,
  };
}

export async function inputOf(
  env: Readonly<Record<string, string>> = {},
  changes: Partial<RegistrationInput> = {},
): Promise<RegistrationInput> {
  return {
    context: await contextOf(env),
    machine: MACHINE,
    facts: {},
    gpuIds: [],
    saved: { kind: 'new' },
    ...changes,
  };
}

type Step = (request: RegisterContainerInstanceRequest) => RegisteredContainerInstance | Error;

/** ECS as a new, well-behaved one answers. */
export const accept: Step = ({ attributes }) => ({
  containerInstanceArn: ARN,
  attributes: [...attributes, { name: 'ecs.availability-zone', value: 'us-west-2a' }],
});

/** Registers against scripted answers; time passes only by waiting. */
export class RegistrationWorld {
  readonly requests: RegisterContainerInstanceRequest[] = [];
  readonly created: string[] = [];
  readonly waits: number[] = [];
  readonly looked: string[] = [];
  staleCredentials = 0;
  metadata: Readonly<Record<string, string>> = {
    '/latest/dynamic/instance-identity/document': '{"instanceId":"i-1"}',
    '/latest/dynamic/instance-identity/signature': 'c2ln',
  };
  #now = 0;

  /** Steps answer one call each; the last one answers all further calls. */
  async register(
    input: RegistrationInput,
    steps: readonly Step[] = [accept],
    createCluster: () => Error | undefined = () => undefined,
  ): Promise<Registration> {
    const api: EcsApi = {
      registerContainerInstance: async (request) => {
        this.requests.push(request);
        const answer = (steps[this.requests.length - 1] ?? steps.at(-1) ?? accept)(request);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      createCluster: async (name) => {
        this.created.push(name);
        const error = createCluster();
        if (error !== undefined) throw error;
      },
      discoverPollEndpoint: () => Promise.reject(new Error('not asked here')),
      submitTaskStateChange: () => Promise.reject(new Error('not asked here')),
      submitAttachment: () => Promise.reject(new Error('not asked here')),
    };
    const imds = new (class extends Imds {
      readonly #world: RegistrationWorld;
      constructor(world: RegistrationWorld) {
        super();
        this.#world = world;
      }
      override async get(path: string): Promise<string | undefined> {
        this.#world.looked.push(path);
        return this.#world.metadata[path];
      }
    })(this);
    return await registerInstance(
      input,
      {
        api,
        imds,
        onIdentityUnavailable: () => {
          this.staleCredentials++;
        },
        now: () => this.#now,
        wait: async (ms, signal) => {
          signal?.throwIfAborted();
          this.waits.push(ms);
          this.#now += ms;
        },
      },
      { signal: new AbortController().signal },
    );
  }
}
