import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { AcsSession } from './acs/session.ts';
import { createContainerFiles } from './agent-container-files.ts';
import { findGpus } from './agent-gpus.ts';
import { BridgeIntrospection, connectionView, openIntrospection } from './agent-introspection.ts';
import { logCredentials } from './agent-log-credentials.ts';
import { logSecrets } from './agent-log-secrets.ts';
import { openNetwork } from './agent-network.ts';
import { openRuntime } from './agent-runtime.ts';
import { openSecrets } from './agent-secrets.ts';
import { createSessions } from './agent-sessions.ts';
import { engineSettings, hostCapacity } from './agent-settings.ts';
import { discardState, loadState, manifestNumber, openAgentStore, saveRegistration } from './agent-state.ts';
import { COUNTERS_KEY, createStats } from './agent-stats.ts';
import { openEndpointSecret, openTaskApi } from './agent-task-api.ts';
import { judgeTaskEni, observeVlans, openAttachments } from './agent-task-eni.ts';
import { AGENT_HASH, AGENT_NAME, AGENT_VERSION } from './agent-version.ts';
import { steadyNow } from './async/clock.ts';
import { agentCredentialSources } from './aws/credential-sources.ts';
import { CredentialsCache } from './aws/credentials-cache.ts';
import type { InstanceMetadata } from './aws/imds.ts';
import type { Config } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { readFileIfAny } from './config/read-file.ts';
import { CredentialsStore } from './credentials/credentials-store.ts';
import { EcsClient } from './ecs/client.ts';
import { IMPLEMENTED_FEATURES } from './ecs/implemented-features.ts';
import { readInstanceFacts } from './ecs/instance-facts.ts';
import { decideTaskCgroups, type Registration, registerInstance } from './ecs/registration.ts';
import { Reporter } from './ecs/reporter.ts';
import { judgeSavedInstance } from './ecs/saved-instance.ts';
import type { StepObserver } from './engine/step-boundary.ts';
import { TaskEngine } from './engine/task-engine.ts';
import { taskRules } from './engine/task-rules.ts';
import { endFormerBoot } from './former-boot.ts';
import { observeBootId } from './host/boot-id.ts';
import { observeMachine } from './host/machine.ts';
import { bringBackTasks, listPatiently, mayHaveLostTasks } from './lost-records.ts';
import { endpointEnvironment } from './metadata/endpoint-environment.ts';
import { EndpointIds } from './metadata/endpoint-ids.ts';
import type { AgentView } from './metadata/introspection/agent-view.ts';
import { AgentMetrics } from './metadata/metrics/agent-metrics.ts';
import { observeFaultProblem } from './network/fault/network-faults.ts';
import { openTaskCgroups } from './resource/cgroups.ts';
import type { TaskCgroups } from './resource/task-cgroups.ts';
import { LocalVolumes } from './resource/volumes/local-volumes.ts';
import { timedRuntime } from './runtime/timed-runtime.ts';
import { encodeTaskCopy } from './store/task-copy.ts';
import type { TelemetrySession } from './telemetry/session.ts';

/** What a started agent is told by and can be asked. */
export interface AgentOptions {
  readonly config: Config;
  readonly env: Environment;
  readonly imds: InstanceMetadata;
  readonly logger: Logger;
  /** Told what the agent is waiting for, or that it is connected; one line. */
  onPhase(text: string): void;
  /** Aborts the start; a started agent is ended by `stop`. */
  readonly signal: AbortSignal;
  /** Told of each boundary of each step. */
  readonly onStep?: StepObserver | undefined;
}

/** A running agent. */
export interface Agent {
  view(): AgentView;
  /** Lets go of everything within a fraction of a second; tasks run on. */
  stop(): Promise<void>;
}

/**
 * Builds the agent, brings back what the store holds, registers the instance and connects (ecs-api.md §B1). The
 * outbox goes first, then the registration, and adoption runs beside everything else. Rejects with errors that carry
 * an `exitCode` where a restart would not help.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const parts = new AsyncDisposableStack();
  try {
    return await assemble(options, parts);
  } catch (error) {
    await parts.disposeAsync();
    throw error;
  }
}

async function assemble(options: AgentOptions, parts: AsyncDisposableStack): Promise<Agent> {
  const { config, env, imds, logger, signal } = options;
  // First of all, since it refuses an endpoint that may not be used; nothing else is worth waiting for then.
  const sources = agentCredentialSources({
    external: config.external,
    profile: config.alternateCredentialProfile,
    env,
    readFile: readFileIfAny,
    imds,
  });
  const credentials = new CredentialsCache(sources);
  const api = parts.adopt(new EcsClient({ config, credentials }), (client) => client.close());

  // Runs programs, on another processor than what follows.
  const probingFaults = observeFaultProblem();
  const gpus = await findGpus(config, (text) => logger.error(text));
  await mkdir(config.runDirectory, { recursive: true, mode: 0o700 });
  const store = parts.adopt(openAgentStore(config, logger), (s) => s.close());
  const loaded = await loadState(store, logger);
  const [runtime, cgroups, facts, faultProblem] = await Promise.all([
    openRuntime(options),
    openCgroups(config, logger),
    readInstanceFacts(imds, { signal }),
    probingFaults,
  ]);
  parts.adopt(runtime, (r) => r.close());
  const roleCredentials = new CredentialsStore((task) => engine.credentialsArrived(task));
  const secrets = await openSecrets({ config, env, credentials, roleCredentials, logger });
  const { promise: started, resolve: hasStarted } = Promise.withResolvers<void>();
  const tasks = () => engine.workers().map(({ state }) => state);
  const { logs, opened: logsOpened } = runtime.openLogs(
    logCredentials(credentials, roleCredentials),
    logSecrets(secrets.memory, async () => started.then(tasks)),
  );
  parts.adopt(logs, (l) => l.close());
  // Both are awaited below; a failure before that counts more.
  logsOpened.catch(() => undefined);
  if (cgroups !== undefined) parts.adopt(cgroups, (c) => c.close());

  const cluster = config.cluster || 'default';
  const bootId = await observeBootId();
  const stored =
    config.checkpoint && mayHaveLostTasks(loaded)
      ? await bringBackTasks(
          store,
          loaded,
          await listPatiently(runtime.runtime, logger, signal),
          { bootId, cluster, ...(facts.instanceId !== undefined && { ec2InstanceId: facts.instanceId }) },
          logger,
        )
      : loaded;
  const saved = judgeSavedInstance(stored.meta, {
    checkpoint: config.checkpoint,
    cluster: config.cluster,
    ...(facts.instanceId !== undefined && { ec2InstanceId: facts.instanceId }),
  });
  const kept = saved.kind === 'discard' ? await discardState(store, stored, saved.reason, logger) : stored;

  if (faultProblem !== undefined)
    logger.info({ failure: faultProblem }, 'network faults cannot be made on this host and are not offered');
  const endpointSecret = await openEndpointSecret(store, kept);
  const endpointIds = new EndpointIds(endpointSecret);
  const meta = new Map(kept.meta).set('endpoint-secret', endpointSecret).set('boot-id', bootId);
  // They change all the time, and are not what brings a task back.
  meta.delete(COUNTERS_KEY);
  const machine = await observeMachine(readFileIfAny, availableParallelism);
  const stats = parts.adopt(
    createStats(config, {
      cores: machine.cpus,
      logger,
      tasks,
      keptCounters: kept.meta.get(COUNTERS_KEY),
      keepCounters: (value) => store.commit([{ kind: 'putMeta', key: COUNTERS_KEY, value }]),
    }),
    (s) => s.stop(),
  );
  const metrics = new AgentMetrics();
  const containers = timedRuntime(runtime.runtime, (...call) => metrics.called(...call));
  const volumesDirectory = join(config.dataDirectory, 'volumes');
  const runtimeMakesBridges = runtime.runtime.info.network === 'own';
  const taskEniUsable = judgeTaskEni(config, facts, logger);
  const taskApi = parts.use(
    await openTaskApi({
      config,
      cluster,
      facts,
      ids: endpointIds,
      credentials,
      roleCredentials,
      logger,
      statistics: stats.statistics,
      volumesDirectory,
      metrics,
      tasks,
      registration: () => registration,
      callsFromHost: ({ networkMode }) =>
        networkMode === 'host' || (networkMode !== 'awsvpc' && runtimeMakesBridges),
    }),
  );
  const onBridge = new BridgeIntrospection(logger);
  const network = parts.adopt(
    await openNetwork({
      config,
      logger,
      runtime: containers,
      taskEniUsable,
      onBridge: (bridge) => onBridge.bridgeReady(bridge),
      takeConnection: (socket, taskId) => taskApi.take(socket, { kind: 'task', taskId }),
    }),
    (n) => n.close(),
  );

  const reporter = new Reporter({
    api,
    store,
    cluster,
    logger,
    onSettled: (task) => engine.reportSettled(task),
  });
  const settings = engineSettings(config, cluster);
  const engine = new TaskEngine({
    ports: {
      runtime: containers,
      images: runtime.images,
      network,
      volumes: new LocalVolumes({
        directory: volumesDirectory,
        matchFullConfiguration: config.sharedVolumeMatchFullConfig,
      }),
      logs,
      ...(cgroups !== undefined && { cgroups }),
      ...(config.containerMetadataFiles && {
        metadataFiles: createContainerFiles({
          config,
          cluster,
          imds,
          ids: endpointIds,
          logger,
          registration: () => registration,
        }),
      }),
      settings,
      ...secrets.ports,
      endpointEnvironment: (task, container) => endpointEnvironment(endpointIds, task, container),
      keepsake: (task) => (config.checkpoint ? encodeTaskCopy({ at: steadyNow(), meta, task }) : undefined),
      now: steadyNow,
    },
    store,
    capacity: hostCapacity(config, machine, gpus.ids),
    logger,
    measures: metrics,
    enqueueReport: (queued) => reporter.enqueue(queued),
    onTaskGone: (arn) => {
      roleCredentials.removeTask(arn);
      attachments
        ?.taskGone(arn)
        .catch((error: unknown) =>
          logger.error({ err: error, task: arn }, 'the attachment of a forgotten task stays in the store'),
        );
    },
    onStep: options.onStep,
  });
  const attachments = taskEniUsable
    ? parts.adopt(
        await openAttachments({ store, api, cluster, facts, logger, knowsTask: (arn) => engine.knows(arn) }),
        (keeper) => keeper.stop(),
      )
    : undefined;
  parts.defer(() => reporter.stop());
  parts.defer(() => engine.close());
  const boot = {
    id: bootId,
    runtimeRemembers: runtime.runtime.info.remembersOverBoot,
    now: steadyNow(),
  };
  const goneOnWith = await endFormerBoot(store, kept, boot, taskRules(settings), logger);
  reporter.start(goneOnWith.outbox);
  options.onPhase(`registering in cluster ${cluster}`);
  const registering = registerInstance(
    {
      context: {
        config,
        features: IMPLEMENTED_FEATURES,
        loggingDrivers: logs.drivers,
        taskCgroupsUsable: cgroups !== undefined,
        taskEniUsable,
        vlansUsable: await observeVlans(config, taskEniUsable, logger),
        networkVersion: `${AGENT_HASH}-${AGENT_VERSION}`,
        faultsUsable: faultProblem === undefined,
        ...(gpus.driverVersion !== undefined && { gpuDriverVersion: gpus.driverVersion }),
      },
      machine,
      facts,
      gpuIds: gpus.ids,
      saved,
    },
    { api, imds, onIdentityUnavailable: () => credentials.invalidate() },
    { signal },
  );
  registering.catch(() => undefined);
  engine.start(goneOnWith.tasks, goneOnWith.images);
  hasStarted();
  await attachments?.start(goneOnWith.attachments);

  let registration: Registration | undefined;
  const view = (): AgentView => ({
    version: `${AGENT_NAME} - v${AGENT_VERSION} (${AGENT_HASH})`,
    cluster,
    ...(registration !== undefined && { containerInstanceArn: registration.containerInstanceArn }),
    tasks: engine.workers().map((worker) => ({
      state: worker.state,
      underWay: worker.steps.underWay(),
      stuck: worker.steps.stuck(),
      progress: worker.pulls,
      why: worker.explain(),
    })),
    acs: connectionView(acs),
    tcs: connectionView(tcs),
    runtime: { name: runtime.runtime.info.name, version: runtime.runtime.info.version },
    outbox: { depth: reporter.depth, oldestAgeMs: reporter.oldestAgeMs },
  });
  let acs: AcsSession | undefined;
  let tcs: TelemetrySession | undefined;
  const introspection = parts.adopt(
    await openIntrospection({
      config,
      logger,
      runtime: containers,
      store,
      metrics,
      logs,
      volumesDirectory,
      view,
    }),
    (server) => server.close(),
  );
  if (!config.introspectionOffHost) onBridge.serverReady(introspection);

  [registration] = await Promise.all([registering, logsOpened]);
  for (const [key, value] of await saveRegistration(store, kept, registration, facts)) meta.set(key, value);
  logger.info(
    { cluster: registration.cluster, containerInstance: registration.containerInstanceArn },
    'instance registered',
  );

  const { containerInstanceArn } = registration;
  const sessions = await createSessions({
    config,
    cluster,
    containerInstanceArn,
    runtime: containers,
    api,
    credentials,
    roleCredentials,
    engine,
    ...(attachments !== undefined && { attachments }),
    stats,
    manifestNumber: manifestNumber(config, kept, store),
    logger,
    onConnection: (failure) => options.onPhase(connectionPhase(cluster, containerInstanceArn, failure)),
  });
  acs = sessions.acs;
  tcs = sessions.telemetry;
  const { telemetry } = sessions;
  parts.defer(() => telemetry.stop());
  parts.adopt(sessions.acs, (session) => session.stop());
  options.onPhase(`registered in cluster ${cluster} as ${containerInstanceArn}`);
  sessions.acs.start();
  stats.start();
  telemetry.start();
  const running = new AbortController();
  const stalePulls = runtime.removeStalePulls({ signal: running.signal }).catch((error: unknown) => {
    if (!running.signal.aborted) logger.warn({ err: error }, 'remains of earlier pulls could not be removed');
  });
  parts.defer(() => {
    running.abort();
    return stalePulls;
  });
  return { view, stop: () => parts.disposeAsync() };
}

/** What `systemctl status` shows of a registered agent. */
function connectionPhase(cluster: string, containerInstanceArn: string, failure: Error | undefined): string {
  const who = `cluster ${cluster}, container instance ${containerInstanceArn}`;
  return failure === undefined
    ? `connected to ECS; ${who}`
    : `not connected to ECS, trying again: ${failure.message}; ${who}`;
}

/** Task cgroups where the host has them and the configuration does not switch them off (CFG-41, CFG-89). */
async function openCgroups(config: Config, logger: Logger): Promise<TaskCgroups | undefined> {
  if (config.taskCpuMemLimit === 'off') return undefined;
  try {
    return await openTaskCgroups({
      driver: config.cgroupDriver,
      root: config.cgroupPath,
      name: config.containerdNamespace,
      cpuPeriodUs: config.cgroupCpuPeriodMs * 1000,
      pidsLimit: config.taskPidsLimit,
    });
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    decideTaskCgroups(config.taskCpuMemLimit, failure);
    logger.warn({ failure }, 'task cpu and memory limits are off: task cgroups cannot be made');
    return undefined;
  }
}
