import { z } from '../schema.ts';

/**
 * Shapes inside a PayloadMessage (acs.md §10). Absent and null mean the same; unknown members pass (ACS-61).
 * Strictness that makes a task invalid (§11) is held by the parser that turns these into the domain's task.
 */
const text = z.nullish(z.string());
const count = z.nullish(z.int());
const flag = z.nullish(z.boolean());
const texts = z.nullish(z.array(z.string()));
const textMap = z.nullish(z.record(z.string(), z.string()));

export const iamRoleCredentialsSchema = z.looseObject({
  credentialsId: text,
  roleArn: text,
  accessKeyId: text,
  secretAccessKey: text,
  sessionToken: text,
  expiration: text,
});

export const portMappingSchema = z.looseObject({
  containerPort: count,
  hostPort: count,
  containerPortRange: text,
  protocol: text,
});

export const containerSchema = z.looseObject({
  name: text,
  image: text,
  command: texts,
  entryPoint: texts,
  environment: textMap,
  environmentFiles: z.nullish(z.array(z.looseObject({ value: text, type: text }))),
  essential: flag,
  cpu: count,
  memory: count,
  links: texts,
  portMappings: z.nullish(z.array(portMappingSchema)),
  mountPoints: z.nullish(z.array(z.looseObject({ sourceVolume: text, containerPath: text, readOnly: flag }))),
  volumesFrom: z.nullish(z.array(z.looseObject({ sourceContainer: text, readOnly: flag }))),
  dependsOn: z.nullish(z.array(z.looseObject({ containerName: text, condition: text }))),
  startTimeout: count,
  stopTimeout: count,
  dockerConfig: z.nullish(z.looseObject({ version: text, config: text, hostConfig: text })),
  healthCheckType: text,
  registryAuthentication: z.nullish(
    z.looseObject({
      type: text,
      ecrAuthData: z.nullish(
        z.looseObject({ registryId: text, region: text, endpointOverride: text, useExecutionRole: flag }),
      ),
      asmAuthData: z.nullish(z.looseObject({ credentialsParameter: text, region: text })),
    }),
  ),
  logsAuthStrategy: text,
  secrets: z.nullish(
    z.array(
      z.looseObject({ name: text, valueFrom: text, region: text, provider: text, type: text, target: text }),
    ),
  ),
  managedAgents: z.nullish(z.array(z.looseObject({ name: text }))),
  firelensConfiguration: z.nullish(z.looseObject({ type: text, options: textMap })),
  restartPolicy: z.nullish(
    z.looseObject({
      enabled: flag,
      ignoredExitCodes: z.nullish(z.array(z.number())),
      restartAttemptPeriod: count,
    }),
  ),
  credentialSpecs: texts,
  /** JSON text or an object; only `command` is allowed (§11). */
  overrides: z.optional(z.unknown()),
  containerArn: text,
});

export const volumeSchema = z.looseObject({
  name: text,
  type: text,
  host: z.nullish(z.looseObject({ sourcePath: text })),
  dockerVolumeConfiguration: z.nullish(
    z.looseObject({ scope: text, autoprovision: flag, driver: text, driverOpts: textMap, labels: textMap }),
  ),
  efsVolumeConfiguration: z.nullish(z.looseObject({})),
  fsxWindowsFileServerVolumeConfiguration: z.nullish(z.looseObject({})),
});

export const elasticNetworkInterfaceSchema = z.looseObject({
  attachmentArn: text,
  ec2Id: text,
  macAddress: text,
  ipv4Addresses: z.nullish(z.array(z.looseObject({ primary: flag, privateAddress: text }))),
  ipv6Addresses: z.nullish(z.array(z.looseObject({ primary: flag, address: text }))),
  subnetGatewayIpv4Address: text,
  subnetGatewayIpv6Address: text,
  domainNameServers: texts,
  domainName: texts,
  privateDnsName: text,
  interfaceAssociationProtocol: text,
  interfaceVlanProperties: z.nullish(z.looseObject({ vlanId: text, trunkInterfaceMacAddress: text })),
});

export const attachmentSchema = z.looseObject({
  attachmentArn: text,
  attachmentType: text,
  attachmentProperties: z.nullish(z.array(z.looseObject({ name: text, value: text }))),
});

export const payloadTaskSchema = z.looseObject({
  arn: text,
  desiredStatus: text,
  family: text,
  version: text,
  containers: z.nullish(z.array(containerSchema)),
  volumes: z.nullish(z.array(volumeSchema)),
  cpu: z.nullish(z.number()),
  memory: count,
  roleCredentials: z.nullish(iamRoleCredentialsSchema),
  executionRoleCredentials: z.nullish(iamRoleCredentialsSchema),
  elasticNetworkInterfaces: z.nullish(z.array(elasticNetworkInterfaceSchema)),
  associations: z.nullish(
    z.array(
      z.looseObject({
        name: text,
        type: text,
        containers: texts,
        content: z.nullish(z.looseObject({ value: text })),
      }),
    ),
  ),
  pidMode: text,
  ipcMode: text,
  proxyConfiguration: z.nullish(z.looseObject({ type: text, containerName: text })),
  attachments: z.nullish(z.array(attachmentSchema)),
  networkMode: text,
  launchType: text,
  serviceName: text,
  group: text,
  enableFaultInjection: flag,
  overrides: z.optional(z.unknown()),
  taskDefinitionAccountId: text,
});

export type PayloadTask = z.infer<typeof payloadTaskSchema>;
export type PayloadContainer = z.infer<typeof containerSchema>;
export type PayloadVolume = z.infer<typeof volumeSchema>;
export type PayloadEni = z.infer<typeof elasticNetworkInterfaceSchema>;
export type IamRoleCredentials = z.infer<typeof iamRoleCredentialsSchema>;
