import { ApiError } from './api-error.ts';
import type { Operation } from './operation.ts';
import { clusterOperations } from './operations/clusters.ts';
import { containerInstanceOperations } from './operations/container-instances.ts';
import { registrationOperations } from './operations/registration.ts';
import { stateChangeOperations } from './operations/state-changes.ts';
import { tagOperations } from './operations/tags.ts';
import { taskDefinitionOperations } from './operations/task-definitions.ts';
import { taskProtectionOperations } from './operations/task-protection.ts';
import { taskOperations } from './operations/tasks.ts';

/** Every operation of this control plane by its name. A new one is an entry in its family's file. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    ...clusterOperations,
    ...registrationOperations,
    ...containerInstanceOperations,
    ...taskDefinitionOperations,
    ...taskOperations,
    ...stateChangeOperations,
    ...tagOperations,
    ...taskProtectionOperations,
  }),
);

/** Throws UnknownOperationException, naming what there is. */
export function requireOperation(name: string): Operation {
  const found = OPERATIONS.get(name);
  if (found === undefined) {
    throw new ApiError(
      'UnknownOperationException',
      `This control plane has no operation '${name}'. It has: ${[...OPERATIONS.keys()].sort().join(', ')}.`,
    );
  }
  return found;
}
