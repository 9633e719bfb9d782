import { z } from '../schema.ts';

/**
 * A task definition as the public API takes it (RegisterTaskDefinition). Unknown members pass, so that a
 * definition is kept as it was given; what is named here is what the ACS payload is made of (ecs-api.md §D2).
 */
const text = z.optional(z.string());
const count = z.optional(z.int());
const flag = z.optional(z.boolean());
const texts = z.optional(z.array(z.string()));
const textMap = z.optional(z.record(z.string(), z.string()));

export const environmentSchema = z.optional(z.array(z.looseObject({ name: z.string(), value: text })));
export const environmentFilesSchema = z.optional(
  z.array(z.looseObject({ value: z.string(), type: z.string() })),
);
export const resourceRequirementsSchema = z.optional(
  z.array(z.looseObject({ type: z.string(), value: z.string() })),
);
const secretsSchema = z.optional(z.array(z.looseObject({ name: z.string(), valueFrom: z.string() })));

const linuxParametersSchema = z.looseObject({
  capabilities: z.optional(z.looseObject({ add: texts, drop: texts })),
  devices: z.optional(
    z.array(z.looseObject({ hostPath: z.string(), containerPath: text, permissions: texts })),
  ),
  initProcessEnabled: flag,
  /** MiB. */
  sharedMemorySize: count,
  /** Sizes in MiB. */
  tmpfs: z.optional(
    z.array(z.looseObject({ containerPath: z.string(), size: z.int(), mountOptions: texts })),
  ),
  /** MiB. */
  maxSwap: count,
  swappiness: count,
});

export const containerDefinitionSchema = z.looseObject({
  name: z.string().check(z.minLength(1)),
  image: z.string().check(z.minLength(1)),
  cpu: z.optional(z.int().check(z.nonnegative())),
  /** MiB, hard limit. */
  memory: z.optional(z.int().check(z.positive())),
  /** MiB, soft limit. */
  memoryReservation: z.optional(z.int().check(z.positive())),
  essential: flag,
  links: texts,
  portMappings: z.optional(
    z.array(
      z.looseObject({
        containerPort: z.optional(z.int().check(z.minimum(0), z.maximum(65535))),
        hostPort: z.optional(z.int().check(z.minimum(0), z.maximum(65535))),
        containerPortRange: text,
        protocol: z.optional(z.enum(['tcp', 'udp'])),
      }),
    ),
  ),
  entryPoint: texts,
  command: texts,
  environment: environmentSchema,
  environmentFiles: environmentFilesSchema,
  mountPoints: z.optional(
    z.array(z.looseObject({ sourceVolume: text, containerPath: text, readOnly: flag })),
  ),
  volumesFrom: z.optional(z.array(z.looseObject({ sourceContainer: text, readOnly: flag }))),
  linuxParameters: z.optional(linuxParametersSchema),
  secrets: secretsSchema,
  dependsOn: z.optional(
    z.array(
      z.looseObject({
        containerName: z.string(),
        condition: z.enum(['START', 'COMPLETE', 'SUCCESS', 'HEALTHY']),
      }),
    ),
  ),
  startTimeout: count,
  stopTimeout: count,
  hostname: text,
  user: text,
  workingDirectory: text,
  disableNetworking: flag,
  privileged: flag,
  readonlyRootFilesystem: flag,
  dnsServers: texts,
  dnsSearchDomains: texts,
  extraHosts: z.optional(z.array(z.looseObject({ hostname: z.string(), ipAddress: z.string() }))),
  dockerSecurityOptions: texts,
  interactive: flag,
  pseudoTerminal: flag,
  dockerLabels: textMap,
  ulimits: z.optional(z.array(z.looseObject({ name: z.string(), softLimit: z.int(), hardLimit: z.int() }))),
  logConfiguration: z.optional(
    z.looseObject({ logDriver: z.string(), options: textMap, secretOptions: secretsSchema }),
  ),
  /** Times in seconds. */
  healthCheck: z.optional(
    z.looseObject({
      command: z.array(z.string()).check(z.minLength(1)),
      interval: count,
      timeout: count,
      retries: count,
      startPeriod: count,
    }),
  ),
  systemControls: z.optional(z.array(z.looseObject({ namespace: text, value: text }))),
  resourceRequirements: resourceRequirementsSchema,
  firelensConfiguration: z.optional(z.looseObject({ type: z.string(), options: textMap })),
  repositoryCredentials: z.optional(z.looseObject({ credentialsParameter: z.string() })),
  restartPolicy: z.optional(
    z.looseObject({
      enabled: z.boolean(),
      ignoredExitCodes: z.optional(z.array(z.int())),
      restartAttemptPeriod: count,
    }),
  ),
  credentialSpecs: texts,
});

export const taskVolumeSchema = z.looseObject({
  name: z.string().check(z.minLength(1)),
  host: z.optional(z.looseObject({ sourcePath: text })),
  dockerVolumeConfiguration: z.optional(
    z.looseObject({
      scope: z.optional(z.enum(['task', 'shared'])),
      autoprovision: flag,
      driver: text,
      driverOpts: textMap,
      labels: textMap,
    }),
  ),
  efsVolumeConfiguration: z.optional(
    z.looseObject({
      fileSystemId: z.string(),
      rootDirectory: text,
      transitEncryption: text,
      transitEncryptionPort: count,
      authorizationConfig: z.optional(z.looseObject({ accessPointId: text, iam: text })),
    }),
  ),
  fsxWindowsFileServerVolumeConfiguration: z.optional(z.looseObject({ fileSystemId: z.string() })),
  configuredAtLaunch: flag,
});

export const tagsSchema = z.array(
  z.looseObject({ key: z.string().check(z.minLength(1)), value: z._default(z.string(), '') }),
);

export const taskDefinitionSchema = z.looseObject({
  family: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,255}$/, 'must be 1 to 255 letters, digits, _ or -')),
  containerDefinitions: z.array(containerDefinitionSchema).check(z.minLength(1)),
  volumes: z.optional(z.array(taskVolumeSchema)),
  /** CPU units, or a text such as `0.5 vCPU`. */
  cpu: text,
  /** MiB, or a text such as `1 GB`. */
  memory: text,
  networkMode: z.optional(z.enum(['bridge', 'host', 'awsvpc', 'none'])),
  pidMode: z.optional(z.enum(['host', 'task'])),
  ipcMode: z.optional(z.enum(['host', 'task', 'none'])),
  taskRoleArn: text,
  executionRoleArn: text,
  placementConstraints: z.optional(z.array(z.looseObject({ type: z.string(), expression: text }))),
  requiresCompatibilities: texts,
  proxyConfiguration: z.optional(
    z.looseObject({
      type: text,
      containerName: z.string(),
      properties: environmentSchema,
    }),
  ),
  runtimePlatform: z.optional(z.looseObject({ cpuArchitecture: text, operatingSystemFamily: text })),
  enableFaultInjection: flag,
});

export type TaskDefinition = z.infer<typeof taskDefinitionSchema>;
export type ContainerDefinition = z.infer<typeof containerDefinitionSchema>;
export type TaskVolume = z.infer<typeof taskVolumeSchema>;
export type LinuxParameters = z.infer<typeof linuxParametersSchema>;
export type Tag = z.infer<typeof tagsSchema>[number];

/** What RunTask and StartTask may change of a definition. */
export const taskOverrideSchema = z.looseObject({
  containerOverrides: z.optional(
    z.array(
      z.looseObject({
        name: z.string(),
        command: texts,
        environment: environmentSchema,
        environmentFiles: environmentFilesSchema,
        cpu: count,
        memory: count,
        memoryReservation: count,
        resourceRequirements: resourceRequirementsSchema,
      }),
    ),
  ),
  cpu: text,
  memory: text,
  taskRoleArn: text,
  executionRoleArn: text,
});

export type TaskOverride = z.infer<typeof taskOverrideSchema>;
export type ContainerOverride = NonNullable<TaskOverride['containerOverrides']>[number];
