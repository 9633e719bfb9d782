import {
  type CreateContainer,
  LABEL_CLUSTER,
  LABEL_CONTAINER_NAME,
  LABEL_DISPLAY_NAME,
  LABEL_FAMILY,
  LABEL_TASK_ARN,
  LABEL_VERSION,
} from '../../runtime/runtime.ts';
import { containerDisplayName, containerIdOf, taskIdOf } from '../../task/ids.ts';
import type { ContainerPair, ContainerStepContext } from '../step-context.ts';

/** Who a container is: its id and names, and the labels by which it is found again (ENG-41). */
export function identityOf(
  { task, settings }: ContainerStepContext,
  { spec, state }: ContainerPair,
): Pick<CreateContainer, 'id' | 'name' | 'taskArn' | 'group' | 'labels'> {
  const { arn, family, version } = task.spec;
  const id = containerIdOf(arn, spec.name, state.generation);
  const name = containerDisplayName(family, version, spec.name, id);
  const labels = {
    ...(spec.internal === undefined ? spec.options.labels : settings.pauseLabels),
    [LABEL_CLUSTER]: settings.cluster,
    [LABEL_CONTAINER_NAME]: spec.name,
    [LABEL_TASK_ARN]: arn,
    [LABEL_FAMILY]: family,
    [LABEL_VERSION]: version,
    [LABEL_DISPLAY_NAME]: name,
  };
  return { id, name, taskArn: arn, group: taskIdOf(arn), labels };
}
