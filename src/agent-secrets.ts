import type { Logger } from 'pino';
import { staticRegistryCredentials } from './agent-settings.ts';
import type { CredentialsProvider } from './aws/credentials.ts';
import { AwsServices } from './aws/services/aws-services.ts';
import type { Config } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { readFileIfAny } from './config/read-file.ts';
import type { CredentialsStore } from './credentials/credentials-store.ts';
import type { StepPorts } from './engine/step-context.ts';
import { RegistryLogins } from './image/logins/registry-logins.ts';
import { MemorySecrets } from './resource/secrets/memory-secrets.ts';
import type { TaskSecrets } from './resource/task-secrets.ts';

export interface SecretParts {
  readonly config: Config;
  readonly env: Environment;
  /** Of the agent itself. */
  readonly credentials: CredentialsProvider;
  readonly roleCredentials: CredentialsStore;
  readonly logger: Logger;
}

/** What fetches secrets, environment files and registry logins from AWS, as a task's role or the instance's. */
export interface AgentSecrets {
  readonly ports: Pick<StepPorts, 'secrets' | 'registryCredentials'>;
  /** A place for values that tasks do not look into. */
  memory(): TaskSecrets;
}

/** Opens it; nothing is asked of AWS yet. */
export async function openSecrets(parts: SecretParts): Promise<AgentSecrets> {
  const { config, env, credentials, roleCredentials, logger } = parts;
  const services = new AwsServices({
    env,
    connections: config,
    ipv6Only: config.ipCompatibility === 'ipv6',
    fipsHost: (await readFileIfAny('/proc/sys/crypto/fips_enabled'))?.trim() === '1',
  });
  const { region } = config;
  const executionKeys = (task: string) => roleCredentials.ofTask(task, 'TaskExecution');
  const logins = new RegistryLogins({
    services,
    region,
    executionKeys,
    agentKeys: (options) => credentials.get(options),
    configured: staticRegistryCredentials(config, logger),
  });
  const memory = () => new MemorySecrets({ services, region, executionKeys });
  return {
    ports: {
      secrets: memory(),
      registryCredentials: (task, container, options) => logins.of(task, container, options),
    },
    memory,
  };
}
