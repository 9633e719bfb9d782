import { type LocalImage, NOTHING_PULLED, type RegistryCredentials } from '../../image/images.ts';
import { reasonOf } from '../../task/errors.ts';
import type { TaskEvent } from '../../task/event.ts';
import { CredentialsNotHereError } from '../../task/execution-role.ts';
import type { ContainerSpec } from '../../task/task-spec.ts';
import { containerOf, deadlinesOf, type StepContext } from '../step-context.ts';
import { transitionWithin } from '../timed-out.ts';

const DIGEST_IN_REFERENCE = /@(sha256:[0-9a-f]{64})$/;

/** Learns the digest that the image reference names now (task-engine.md §8.2). */
export async function resolveImage(context: StepContext, container: string): Promise<TaskEvent> {
  const { spec } = containerOf(context.task, container);
  const pinned = DIGEST_IN_REFERENCE.exec(spec.image)?.[1];
  if (pinned !== undefined) return { kind: 'imagePinned', container, digest: pinned };
  const cached = await usableCache(context, spec);
  if (cached !== undefined) return { kind: 'imageResolved', container, digest: cached.digest };
  try {
    const credentials = await registryCredentials(context, spec);
    const digest = await transitionWithin(
      'MANIFEST_PULLED',
      context.settings.manifestTimeoutMs,
      context.signal,
      (signal) =>
        context.images.resolveDigest(
          { reference: spec.image, ...(credentials !== undefined && { credentials }) },
          {
            signal,
            onTrouble: (trouble) => context.progress(container, { ...NOTHING_PULLED, trouble }),
          },
        ),
    );
    return { kind: 'imageResolved', container, ...(digest !== undefined && { digest }) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof CredentialsNotHereError) throw error;
    return { kind: 'imageUnresolved', container, reason: reasonOf(error) };
  }
}

/** Brings the image, or finds that the one which is here will do (task-engine.md §8.3). */
export async function pullImage(context: StepContext, container: string): Promise<TaskEvent> {
  const { spec, state } = containerOf(context.task, container);
  const cached = context.foundImages.find(container, context.now()) ?? (await usableCache(context, spec));
  if (cached !== undefined) return pulled(context, container, cached);
  // An image that is being removed is not here any more.
  await context.imageKeeper.settled(context.signal);
  context.emit({ kind: 'pullStarted' });
  try {
    const credentials = await registryCredentials(context, spec);
    const image = await transitionWithin('pulled', context.settings.pullTimeoutMs, context.signal, (signal) =>
      context.images.pull(
        {
          reference: spec.image,
          ...(state.imageDigest !== undefined && { digest: state.imageDigest }),
          ...(credentials !== undefined && { credentials }),
          onProgress: (progress) => context.progress(container, progress),
          makeRoom: (shortage) => context.imageKeeper.makeRoom(shortage, signal),
        },
        { signal },
      ),
    );
    return pulled(context, container, image);
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof CredentialsNotHereError) throw error;
    const local = await localAfterFailure(context, spec.image);
    if (local !== undefined) return pulled(context, container, local);
    throw error;
  } finally {
    context.emit({ kind: 'pullEnded' });
  }
}

async function registryCredentials(
  context: StepContext,
  container: ContainerSpec,
): Promise<RegistryCredentials | undefined> {
  return await context.registryCredentials(context.task.spec, container, { signal: context.signal });
}

/** The local image, when the pull behaviour lets it do without asking the registry. */
async function usableCache(
  context: StepContext,
  { name, image }: ContainerSpec,
): Promise<LocalImage | undefined> {
  const { pullBehavior } = context.settings;
  if (pullBehavior !== 'prefer-cached' && pullBehavior !== 'once') return undefined;
  // An image that is being removed is not here any more.
  await context.imageKeeper.settled(context.signal);
  const found = await findLocal(context, image);
  if (found !== undefined) context.foundImages.note(name, found, context.now());
  return found;
}

/** With `default` and `prefer-cached` an image that is here serves when the pull failed (ENG-86). */
async function localAfterFailure(context: StepContext, reference: string): Promise<LocalImage | undefined> {
  const { pullBehavior } = context.settings;
  if (pullBehavior !== 'default' && pullBehavior !== 'prefer-cached') return undefined;
  return await findLocal(context, reference);
}

async function findLocal(context: StepContext, reference: string): Promise<LocalImage | undefined> {
  return await transitionWithin('inspecting', deadlinesOf(context).imageMs, context.signal, (signal) =>
    context.images.find(reference, { signal }),
  );
}

function pulled(context: StepContext, container: string, image: LocalImage): TaskEvent {
  context.foundImages.note(container, image, context.now());
  // Never rejects, and nothing waits for it: what is not remembered is found again when stock is taken.
  void context.imageKeeper.takeUp(image);
  const { imageId, laziness, name } = image;
  return {
    kind: 'imagePulled',
    container,
    imageName: name,
    imageId,
    ...(laziness !== undefined && { laziness }),
  };
}
