/**
 * What this agent can do, one switch each. ECS places tasks by the capabilities that follow from these
 * (capabilities.ts), so a switch goes on in the same change that makes the feature work.
 */
export interface ImplementedFeatures {
  /** Static registry credentials out of Secrets Manager. */
  readonly privateRegistryAuth: boolean;
  readonly secretsFromSsm: boolean;
  readonly secretsFromSecretsManager: boolean;
  /** Secrets in log driver options. */
  readonly logDriverSecrets: boolean;
  /** Pulls from ECR with the instance's or the execution role, other endpoints included. */
  readonly ecr: boolean;
  /** dependsOn. */
  readonly containerOrdering: boolean;
  /** Task manifests: the whole set of tasks that ECS believes in. */
  readonly fullSync: boolean;
  readonly environmentFiles: boolean;
  readonly containerPortRange: boolean;
  readonly containerRestartPolicy: boolean;
  readonly privilegedContainers: boolean;
  /** The options that ECS ties to Docker API versions: ulimits, log drivers, shm, tmpfs, init … */
  readonly dockerOptions: boolean;
  readonly selinux: boolean;
  readonly appArmor: boolean;
  /** Role credentials served to tasks; `host` also in host network mode. */
  readonly taskRoles: boolean;
  readonly taskRolesNetworkHost: boolean;
  readonly taskCgroups: boolean;
  readonly taskEni: boolean;
  readonly eniTrunking: boolean;
  readonly containerHealthChecks: boolean;
  readonly awslogsExecutionRole: boolean;
  /** Docker volumes of driver `local`. */
  readonly localVolumes: boolean;
  readonly gpu: boolean;
  readonly pidAndIpcSharing: boolean;
  readonly appMesh: boolean;
  readonly fireLens: boolean;
  readonly efs: boolean;
  readonly s3Files: boolean;
  readonly executeCommand: boolean;
  readonly serviceConnect: boolean;
  readonly ebsVolumes: boolean;
  readonly faultInjection: boolean;
  /** Hosts without IPv4. */
  readonly ipv6Only: boolean;
}

export const IMPLEMENTED_FEATURES: ImplementedFeatures = {
  privateRegistryAuth: true,
  secretsFromSsm: true,
  secretsFromSecretsManager: true,
  logDriverSecrets: true,
  ecr: true,
  containerOrdering: true,
  fullSync: true,
  environmentFiles: true,
  containerPortRange: true,
  containerRestartPolicy: true,
  privilegedContainers: true,
  dockerOptions: true,
  selinux: true,
  appArmor: true,
  taskRoles: true,
  taskRolesNetworkHost: true,
  taskCgroups: true,
  taskEni: true,
  eniTrunking: true,
  containerHealthChecks: true,
  awslogsExecutionRole: true,
  localVolumes: true,
  gpu: true,
  pidAndIpcSharing: true,
  appMesh: false,
  fireLens: false,
  efs: false,
  s3Files: false,
  executeCommand: false,
  serviceConnect: false,
  ebsVolumes: false,
  faultInjection: true,
  ipv6Only: false,
};
