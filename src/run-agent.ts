import type { Logger } from 'pino';
import { type Agent, startAgent } from './agent.ts';
import { configMetadata } from './aws/config-metadata.ts';
import { createInstanceMetadata, type InstanceMetadata } from './aws/imds.ts';
import { agentEnvironment } from './config/agent-environment.ts';
import type { AgentArguments } from './config/arguments.ts';
import { cloudInitMissedUserData } from './config/cloud-init.ts';
import type { Config } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import type { Environment } from './config/environment.ts';
import { isExternal, loadConfig } from './config/load-config.ts';
import { readFileIfAny } from './config/read-file.ts';
import type { StepObserver } from './engine/step-boundary.ts';
import { keepCompiled } from './host/compile-cache.ts';
import { serviceManager } from './host/service-manager.ts';
import { giveBackSpareMemory } from './host/spare-memory.ts';
import { createAgentLog } from './log/logger.ts';

/** A stop that takes longer than this is given up and told as such (CFG-93). */
const STOP_LIMIT_MS = 8_000;

/** Everything that is known before the agent is built. */
export interface Prepared {
  readonly config: Config;
  readonly env: Environment;
  readonly imds: InstanceMetadata;
  readonly warnings: readonly string[];
  readonly notices: readonly string[];
}

/** Reads files, environment and instance metadata (config.md §1). Throws `ConfigError`. */
export async function prepare(args: AgentArguments): Promise<Prepared> {
  const env = await agentEnvironment(process.env, readFileIfAny);
  const imds = createInstanceMetadata(env, args.blackholeMetadata || isExternal(env));
  const { config, warnings, notices } = await loadConfig({
    env,
    readFile: readFileIfAny,
    imds: configMetadata(imds),
    flags: args.flags,
  });
  return { config, env, imds, warnings, notices };
}

/**
 * Runs the agent until a signal ends it. Resolves with the exit status: 0 ended, 1 start again, 5 do not.
 * `onStep` is told of each boundary of each step.
 */
export async function runAgent(args: AgentArguments, onStep?: StepObserver): Promise<number> {
  let prepared: Prepared;
  try {
    prepared = await prepare(args);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return tellProblems(error);
  }
  const log = await createAgentLog(prepared.config);
  try {
    return await runWith(prepared, log.logger, onStep);
  } finally {
    await log.close();
  }
}

async function runWith(prepared: Prepared, logger: Logger, onStep?: StepObserver): Promise<number> {
  for (const warning of prepared.warnings) logger.warn({ warning }, 'configuration');
  for (const notice of prepared.notices) logger.info({ notice }, 'configuration');

  if (
    !prepared.config.external &&
    (await cloudInitMissedUserData(readFileIfAny, configMetadata(prepared.imds)))
  ) {
    logger.fatal(
      'cloud-init found no data source though there is user data: its set-up never ran; not registering',
    );
    return 5;
  }
  const ending = Promise.withResolvers<NodeJS.Signals>();
  const aborter = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => {
      ending.resolve(name);
      aborter.abort(new Error(`ended by ${name}`));
    });
  const manager = serviceManager(process.env);
  let agent: Agent;
  try {
    agent = await startAgent({
      ...prepared,
      logger,
      signal: aborter.signal,
      onPhase: (text) => manager.status(text),
      onStep,
    });
    manager.ready();
    keepCompiled();
    giveBackSpareMemory();
  } catch (error) {
    if (aborter.signal.aborted) return 0;
    return tellFailure(error, logger);
  }
  const signal = await ending.promise;
  logger.info({ signal }, 'stopping; tasks run on');
  return await stopInTime(agent, logger);
}

/** A line for each problem of the configuration. */
function tellProblems(error: ConfigError): number {
  for (const problem of error.problems) console.error(`configuration: ${problem}`);
  return 1;
}

/** One line that says what went wrong; the error's own exit status where it has one. */
function tellFailure(error: unknown, logger: Logger): number {
  if (error instanceof ConfigError) return tellProblems(error);
  const exitCode = error instanceof Error && 'exitCode' in error ? Number(error.exitCode) : 1;
  const message = error instanceof Error ? error.message : String(error);
  logger.fatal({ exitCode, ...(logger.isLevelEnabled('debug') && { err: error }) }, message);
  return exitCode;
}

async function stopInTime(agent: Agent, logger: Logger): Promise<number> {
  const limit = Promise.withResolvers<number>();
  const timer = setTimeout(() => limit.resolve(5), STOP_LIMIT_MS);
  const stopped = agent.stop().then(
    () => 0,
    (error: unknown) => {
      logger.error({ err: error }, 'the agent did not stop cleanly');
      return 5;
    },
  );
  const exitCode = await Promise.race([stopped, limit.promise]);
  clearTimeout(timer);
  return exitCode;
}
