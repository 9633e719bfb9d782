import type {
  ContainerDefinition,
  ContainerOverride,
  TaskDefinition,
  TaskOverride,
} from '../../wire/task-definition.ts';

/** A container as this run of the task has it. */
export interface EffectiveContainer {
  readonly definition: ContainerDefinition;
  /** Set only when the run overrides it; it travels apart from the definition's own (ecs-api.md §D2.2). */
  readonly commandOverride: readonly string[] | undefined;
}

/** The containers of a definition with the overrides of one run merged in; the overrides win (CP-26). */
export function effectiveContainers(
  definition: TaskDefinition,
  overrides: TaskOverride,
): EffectiveContainer[] {
  return definition.containerDefinitions.map((container) => {
    const override = overrides.containerOverrides?.find(({ name }) => name === container.name);
    return override === undefined
      ? { definition: container, commandOverride: undefined }
      : { definition: merge(container, override), commandOverride: override.command };
  });
}

function merge(container: ContainerDefinition, override: ContainerOverride): ContainerDefinition {
  const { cpu, memory, memoryReservation, environmentFiles, resourceRequirements } = override;
  const environment = new Map(
    [...(container.environment ?? []), ...(override.environment ?? [])].map((pair) => [pair.name, pair]),
  );
  return {
    ...container,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(memoryReservation === undefined ? {} : { memoryReservation }),
    ...(environmentFiles === undefined ? {} : { environmentFiles }),
    ...(resourceRequirements === undefined ? {} : { resourceRequirements }),
    environment: [...environment.values()],
  };
}
