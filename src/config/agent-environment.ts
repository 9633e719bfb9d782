import { assembleEnvironment, type Environment, installedEnvironment, type ReadFile } from './environment.ts';

/**
 * The environment that the agent is configured by: base values and the files of /etc/ecs below the process
 * environment. ECS_IGNORE_CONFIG_FILES=true leaves only the process environment: for a developer's agent beside
 * an installed one, and for tests.
 */
export async function agentEnvironment(processEnv: Environment, readFile: ReadFile): Promise<Environment> {
  if (processEnv.ECS_IGNORE_CONFIG_FILES === 'true') return processEnv;
  return await assembleEnvironment({ base: await installedEnvironment(readFile), processEnv, readFile });
}
