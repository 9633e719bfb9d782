import { detailedOsFamily } from '../host/machine.ts';

/** The text of a file, or undefined when it cannot be opened. */
export type ReadFile = (path: string) => Promise<string | undefined>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment files, weaker first (CFG-62). */
const ENVIRONMENT_FILES = ['/var/lib/ecs/ecs.config', '/etc/ecs/ecs.config'];

/**
 * What an installed agent has before anybody configures it: the base set that ecs-init gives the Amazon ECS agent
 * (config.md §4.3), with host paths because this agent runs on the host, and without a log file because stdout
 * goes to the journal.
 */
const INSTALLED_DEFAULTS: Environment = {
  ECS_DATADIR: '/var/lib/ecs/data',
  ECS_AGENT_CONFIG_FILE_PATH: '/etc/ecs/ecs.config.json',
  ECS_AVAILABLE_LOGGING_DRIVERS: '["json-file","syslog","awslogs","fluentd","none"]',
  ECS_ENABLE_TASK_IAM_ROLE: 'true',
  ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST: 'true',
  ECS_ENABLE_TASK_ENI: 'true',
  ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE: 'true',
  ECS_VOLUME_PLUGIN_CAPABILITIES: '["efsAuth"]',
};

/** Base values of an installed agent on this host. */
export async function installedEnvironment(readFile: ReadFile): Promise<Environment> {
  return { ...INSTALLED_DEFAULTS, ECS_DETAILED_OS_FAMILY: await detailedOsFamily(readFile) };
}

/**
 * The environment that the agent is configured by: base values, then /var/lib/ecs/ecs.config, then
 * /etc/ecs/ecs.config, then the process environment, each beating the ones before. Under systemd the files are
 * EnvironmentFile= and already in the process environment, which gives the same.
 */
export async function assembleEnvironment(sources: {
  readonly base: Environment;
  readonly processEnv: Environment;
  readonly readFile: ReadFile;
}): Promise<Environment> {
  const layers: Environment[] = [sources.base];
  for (const path of ENVIRONMENT_FILES)
    layers.push(parseEnvironmentFile((await sources.readFile(path)) ?? ''));
  layers.push(sources.processEnv);
  return Object.assign({}, ...layers);
}

/**
 * Reads an ecs.config: `NAME=value` lines, trimmed, split at the first `=`, no quoting and no comments; other
 * lines are nothing and the last of two wins (CFG-63).
 */
export function parseEnvironmentFile(text: string): Environment {
  const values: Record<string, string> = {};
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    const at = line.indexOf('=');
    if (at >= 0) values[line.slice(0, at)] = line.slice(at + 1);
  }
  return values;
}
