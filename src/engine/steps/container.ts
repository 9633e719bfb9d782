import { allEnded } from '../../async/all-ended.ts';
import type { LocalImage } from '../../image/images.ts';
import type { ContainerNetwork } from '../../network/network.ts';
import { NOTHING_FETCHED } from '../../resource/task-secrets.ts';
import type { BindMount, CreateContainer } from '../../runtime/runtime.ts';
import type { ContainerExit } from '../../task/container-facts.ts';
import { TaskError } from '../../task/errors.ts';
import type { TaskEvent } from '../../task/event.ts';
import { gpuEnvironment, needsGpuRuntime } from '../../task/gpus.ts';
import { type ContainerId, containerIdOf, taskIdOf } from '../../task/ids.ts';
import { isInternal } from '../../task/internal-containers.ts';
import { isOldRun } from '../../task/restart.ts';
import { needsFetching } from '../../task/secrets.ts';
import type { ContainerOptions, ContainerSpec } from '../../task/task-spec.ts';
import type { TaskState } from '../../task/task-state.ts';
import { containerLimits, taskLimits } from '../container-limits.ts';
import { type ContainerPair, type ContainerStepContext, containerOf, deadlinesOf } from '../step-context.ts';
import { transitionWithin } from '../timed-out.ts';
import { identityOf } from './container-identity.ts';
import { linkedContainers, linkVariables } from './links.ts';
import { logOptions, secretLogOptions } from './log-options.ts';
import { describePause, sharedNamespaces } from './namespaces.ts';

/** `net.ipv4.conf.eth0.…`, also with slashes. */
const LINK_SETTING = /^net[./]ipv[46][./](conf|neigh)[./]/;

/** Makes log, network and container ready to start (task-engine.md §5.1). */
export async function createContainer(context: ContainerStepContext, name: string): Promise<TaskEvent> {
  const pair = containerOf(context.task, name);
  await transitionWithin('created', context.settings.createTimeoutMs, context.signal, async (signal) => {
    const { request, logReady } =
      pair.spec.internal === undefined
        ? await describeContainer(context, pair, await findImage(context, pair.spec, signal), signal)
        : { request: await describePause(context, pair), logReady: undefined };
    await allEnded([logReady, context.runtime.createContainer(request, { signal })]);
  });
  return { kind: 'containerCreated', container: name };
}

async function findImage(
  { images, foundImages, now }: ContainerStepContext,
  { name, image: reference }: ContainerSpec,
  signal: AbortSignal,
): Promise<LocalImage> {
  const image = foundImages.find(name, now()) ?? (await images.find(reference, { signal }));
  if (image !== undefined) return image;
  throw new TaskError(
    'CannotCreateContainerError',
    `No such image: ${reference}; it was here after its pull and has been removed since`,
  );
}

interface DescribedContainer {
  readonly request: CreateContainer;
  /** Of its log, which is made ready beside the container. */
  readonly logReady: Promise<void>;
}

async function describeContainer(
  context: ContainerStepContext,
  pair: ContainerPair,
  image: LocalImage,
  signal: AbortSignal,
): Promise<DescribedContainer> {
  const { task, settings } = context;
  const { spec } = pair;
  const { arn } = task.spec;
  const identity = identityOf(context, pair);
  const { id, name, labels } = identity;
  const file = await context.metadataFiles?.prepare(task.spec, spec);
  const fetched = needsFetching(spec) ? context.secrets.of(arn, spec.name) : NOTHING_FETCHED;
  const own = { ...fetched.files, ...spec.environment, ...fetched.secrets };
  const given = {
    ...regionEnvironment(settings.region, own, image),
    ...context.endpointEnvironment(task.spec, spec),
    ...file?.environment,
    ...gpuEnvironment(task.spec, spec),
  };
  const linked = await linkVariables(context, spec, name, signal);
  const inherits = settings.propagateTaskMemory === true && context.cgroups?.version === 2;
  const limits = containerLimits(spec, inherits ? task.spec.memoryMiB : 0);
  const [network, volumes, log, cgroup] = await Promise.all([
    makeNetwork(context, spec, id, signal),
    ensureMounts(context, spec, id, image, signal),
    context.logs.prepare(
      {
        id,
        name,
        taskArn: arn,
        driver: spec.log.driver,
        options: logOptions(task.spec, spec, settings),
        secretOptions: secretLogOptions(spec, fetched),
        imageName: spec.image,
        imageId: image.imageId,
        command: [...(spec.entryPoint ?? image.config.entryPoint), ...(spec.command ?? image.config.command)],
        labels,
        // The log's own configuration is on disk: what was fetched may not be in it.
        environment: { ...spec.environment, ...given },
        createdAt: context.now(),
      },
      { signal },
    ),
    context.cgroups?.ensure(taskIdOf(arn), taskLimits(task.spec)),
  ]);
  const { bindings, addresses } = network;
  if (bindings.length > 0 || addresses !== undefined)
    context.emit({
      kind: 'networkReady',
      container: spec.name,
      bindings,
      ...(addresses !== undefined && { addresses }),
    });
  const { options } = spec;
  const keepsake = context.keepsake?.(withNetwork(context.task, spec.name, network));
  const request: CreateContainer = {
    ...identity,
    image: image.name,
    ...(spec.entryPoint !== undefined && { entryPoint: spec.entryPoint }),
    ...(spec.command !== undefined && { command: spec.command }),
    environment: { ...linked, ...own, ...given },
    ...(options.user !== undefined && { user: options.user }),
    ...(options.workingDirectory !== undefined && { workingDirectory: options.workingDirectory }),
    hostname: network.hostname,
    terminal: options.terminal,
    openStdin: options.openStdin,
    readonlyRootfs: options.readonlyRootfs,
    capabilitiesAdd: options.capabilitiesAdd,
    capabilitiesDrop: options.capabilitiesDrop,
    ulimits: options.ulimits,
    sysctls: options.sysctls,
    mounts: [
      ...network.mounts.filter(({ destination }) => !isTaken(volumes, destination)),
      ...volumes,
      ...(file === undefined ? [] : [file.mount]),
    ],
    tmpfs: options.tmpfs,
    ...(options.shmSizeBytes !== undefined && { shmSizeBytes: options.shmSizeBytes }),
    ...(needsGpuRuntime(task.spec, { ...own, ...given }) && { ociRuntime: settings.gpuRuntime }),
    ...privileges(options),
    ...sharedNamespaces(task),
    network: network.namespace,
    limits,
    ...(cgroup !== undefined && { cgroup }),
    stdio: log.stdio,
    ...(keepsake !== undefined && { keepsake }),
  };
  return { request, logReady: log.ready };
}

/**
 * Its links come later, beside the start, unless it has settings of links: the kernel takes those when the container is
 * made ready, and only of links that are there.
 */
async function makeNetwork(
  context: ContainerStepContext,
  spec: ContainerSpec,
  id: ContainerId,
  signal: AbortSignal,
): Promise<ContainerNetwork> {
  const { task, network } = context;
  const links = linkedContainers(context, spec);
  const prepared = await network.prepareContainerNetwork(task.spec, spec, { id, links, signal });
  if (Object.keys(spec.options.sysctls).some((name) => LINK_SETTING.test(name)))
    await network.completeContainerNetwork(task.spec, spec, { id, signal });
  return prepared;
}

/** The task with what has just become known of a container's network. */
function withNetwork(
  task: TaskState,
  name: string,
  { bindings, addresses }: Pick<ContainerNetwork, 'bindings' | 'addresses'>,
): TaskState {
  const known = {
    ...(bindings.length > 0 && { portBindings: bindings }),
    ...(addresses !== undefined && { addresses }),
  };
  return { ...task, containers: task.containers.map((c) => (c.name === name ? { ...c, ...known } : c)) };
}

/** What goes beyond, or takes from, what every container may do; absent members are the runtime's defaults. */
function privileges(options: ContainerOptions): Partial<CreateContainer> {
  const { privileged, devices, securityOptions, additionalGroups, init, domainname } = options;
  const { maskedPaths, readonlyPaths, stopSignal, oomScoreAdj } = options;
  return {
    ...(privileged !== undefined && { privileged }),
    ...(devices !== undefined && { devices }),
    ...(securityOptions !== undefined && { securityOptions }),
    ...(additionalGroups !== undefined && { additionalGroups }),
    ...(init !== undefined && { init }),
    ...(domainname !== undefined && { domainname }),
    ...(maskedPaths !== undefined && { maskedPaths }),
    ...(readonlyPaths !== undefined && { readonlyPaths }),
    ...(stopSignal !== undefined && { stopSignal }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj }),
  };
}

/** The container's volumes; what a definition mounts over a file that names are looked up in wins. */
async function ensureMounts(
  context: ContainerStepContext,
  container: ContainerSpec,
  id: ContainerId,
  image: LocalImage,
  signal: AbortSignal,
): Promise<readonly BindMount[]> {
  return await context.volumes.ensureContainerMounts(
    {
      task: context.task.spec,
      container,
      id,
      idOf: (name) => idOf(context, name),
      imageVolumes: image.config.volumes,
      fill: (path, directory, options) => context.images.copyDirectory(image, path, directory, options),
    },
    { signal },
  );
}

function isTaken(volumes: readonly BindMount[], destination: string): boolean {
  return volumes.some((mount) => mount.destination === destination);
}

/** Given unless the container or the image defines either, even as empty (ENG-38, ENG-39). */
function regionEnvironment(
  region: string,
  environment: Readonly<Record<string, string>>,
  image: LocalImage,
): Record<string, string> {
  const defined = ['AWS_REGION', 'AWS_DEFAULT_REGION'].some(
    (key) => key in environment || key in image.config.environment,
  );
  return defined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region };
}

export async function startContainer(context: ContainerStepContext, name: string): Promise<TaskEvent> {
  const { pid, startedAt, network } = await transitionWithin(
    'started',
    context.settings.startTimeoutMs,
    context.signal,
    async (signal) => {
      const id = idOf(context, name);
      await context.volumes.ensureMounted(id, { signal });
      const { spec } = containerOf(context.task, name);
      const complete = (options: { readonly signal: AbortSignal }) =>
        context.network.completeContainerNetwork(context.task.spec, spec, { ...options, id });
      return await context.runtime.startContainer(id, {
        signal,
        ...(spec.internal === undefined && { beforeProcess: complete }),
      });
    },
  );
  if (network !== undefined) context.emit({ kind: 'networkReady', container: name, ...network });
  if (!isInternal(context.task.spec, name))
    await context.metadataFiles?.complete(context.task, name, network);
  return { kind: 'containerStarted', container: name, pid, startedAt };
}

/** Starts it again as it is: nothing is pulled or made anew (ENG-54). */
export async function restartContainer(
  context: ContainerStepContext,
  name: string,
  afterRun: number,
): Promise<TaskEvent> {
  const { pid } = await transitionWithin(
    'started',
    context.settings.startTimeoutMs,
    context.signal,
    (signal) => context.runtime.startContainer(idOf(context, name), { signal, afterRun }),
  );
  return { kind: 'containerRestarted', container: name, pid, afterRun };
}

/**
 * A stop whose time has run out while the agent was dead, or died again and again: nobody may have told the process.
 * It gets the stop signal and so much of its grace, ms: a program that answers at once needs more than a second or two
 * when it has few CPU shares on a machine that is busy with a recovery.
 */
const LEAST_GRACE_MS = 10_000;

/** Ends only when the process tree is proven gone (task-engine.md §5.3). */
export async function stopContainer(
  context: ContainerStepContext,
  name: string,
  dueMs: number,
): Promise<TaskEvent> {
  const { stopMarginMs } = deadlinesOf(context);
  const { stopRequestedAt = dueMs } = containerOf(context.task, name).state;
  const graceMs = dueMs - stopRequestedAt;
  const killAtMs = Math.max(dueMs, context.now() + Math.min(graceMs, LEAST_GRACE_MS));
  const exit = await transitionWithin(
    'stopped',
    killAtMs - context.now() + stopMarginMs,
    context.signal,
    (signal) => context.runtime.stopContainer(idOf(context, name), { killAtMs }, { signal }),
    graceMs + stopMarginMs,
  );
  return endOf(context.task, name, exit);
}

/** What a stop has found out. Of a restart that never came it is known already how the run before it ended. */
export function endOf(task: TaskState, name: string, exit: ContainerExit | undefined): TaskEvent {
  const isNews = exit !== undefined && !isOldRun(containerOf(task, name).state, exit);
  return { kind: 'containerStopped', container: name, ...(isNews && { exit }) };
}

/**
 * Others wait for the ports: the network goes at once, and what holds it up does not hold up the rest. The log
 * before the process record: deleting that would cut off output that is still on its way.
 */
export async function releaseContainer(context: ContainerStepContext, name: string): Promise<TaskEvent> {
  const id = idOf(context, name);
  await transitionWithin('removing', deadlinesOf(context).releaseMs, context.signal, async (signal) => {
    await allEnded([
      context.network.releaseContainerNetwork(context.task.spec, { id, signal }),
      context.logs.finish(id, { signal }).then(() => context.runtime.releaseContainer(id, { signal })),
      context.volumes.releaseContainer(id, { signal }),
    ]);
  });
  return { kind: 'containerReleased', container: name };
}

export async function removeContainer(context: ContainerStepContext, name: string): Promise<TaskEvent> {
  const id = idOf(context, name);
  await transitionWithin('removing', deadlinesOf(context).removeMs, context.signal, async (signal) => {
    await context.runtime.removeContainer(id, { signal });
    await context.logs.remove(id, { signal });
    await context.volumes.removeContainer(id, { signal });
  });
  return { kind: 'containerRemoved', container: name };
}

function idOf(context: ContainerStepContext, name: string): ContainerId {
  const { state } = containerOf(context.task, name);
  return containerIdOf(context.task.spec.arn, name, state.generation);
}
