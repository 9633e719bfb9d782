import { type GpuAssociation, gpusOf } from '../../task/gpus.ts';
import { type Answer, jsonAnswer } from './answer.ts';
import type { EndpointContainer, EndpointScope } from './endpoint-tasks.ts';
import type { MetadataSources } from './metadata-routes.ts';

/** Names of a container's associations of one type; null when there are none (TMDS-36). */
export function answerAssociations(
  { tasks }: MetadataSources,
  scope: EndpointScope,
  version: 'V3' | 'V4',
  endpointId: string,
  type: string,
): Answer {
  const container = tasks.find(scope, endpointId);
  if (container === undefined)
    return jsonAnswer(
      400,
      `${version} container associations handler: unable to get container id from request: unable to get docker ID from v3 endpoint ID: ${endpointId}`,
    );
  const names = associationsOf(container, type).map(({ id }) => id);
  return jsonAnswer(200, { Associations: names.length === 0 ? null : names });
}

/** The value of one association, as it came (TMDS-111). */
export function answerAssociation(
  { tasks }: MetadataSources,
  scope: EndpointScope,
  version: 'V3' | 'V4',
  endpointId: string,
  type: string,
  name: string,
): Answer {
  const container = tasks.find(scope, endpointId);
  if (container === undefined)
    return jsonAnswer(
      400,
      `${version} container associations handler: unable to get task arn from request: unable to get task Arn from v3 endpoint ID: ${endpointId}`,
    );
  const association = associationsOf(container, type).find(({ id }) => id === name);
  if (association !== undefined)
    return { status: 200, contentType: 'application/json', body: association.content };
  return jsonAnswer(
    400,
    `Unable to write container association response: unable to get association from association type ${type} and association name ${name}`,
  );
}

/** GPUs are all there is. */
function associationsOf({ task, spec }: EndpointContainer, type: string): readonly GpuAssociation[] {
  return type === 'gpu' ? gpusOf(task.spec, spec.name) : [];
}
