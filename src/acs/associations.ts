import type { GpuAssociation } from '../task/gpus.ts';
import type { PayloadTask } from '../wire/acs-payload.ts';

/** The type of associations that this agent knows; `elastic-inference` is a service of the past. */
export const GPU_ASSOCIATION = 'gpu';

/** The GPUs of a payload task (acs.md §10.5); undefined: none. */
export function gpusOfPayload({ associations }: PayloadTask): readonly GpuAssociation[] | undefined {
  const gpus = (associations ?? []).filter(({ type }) => type === GPU_ASSOCIATION);
  if (gpus.length === 0) return undefined;
  return gpus.map(({ name, containers, content }) => ({
    id: name ?? '',
    containers: containers ?? [],
    content: content?.value ?? '',
  }));
}
