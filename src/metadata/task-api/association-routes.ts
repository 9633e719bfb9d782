import { type Answer, jsonAnswer } from './answer.ts';
import type { EndpointScope } from './endpoint-tasks.ts';
import type { MetadataSources } from './metadata-routes.ts';

/** Names of a container's associations of one type; null when there are none (TMDS-36). */
export function answerAssociations(
  { tasks }: MetadataSources,
  scope: EndpointScope,
  version: 'V3' | 'V4',
  endpointId: string,
  _type: string,
): Answer {
  if (tasks.find(scope, endpointId) === undefined)
    return jsonAnswer(
      400,
      `${version} container associations handler: unable to get container id from request: unable to get docker ID from v3 endpoint ID: ${endpointId}`,
    );
  // Tasks with associations are refused, so nobody has any.
  return jsonAnswer(200, { Associations: null });
}

/** The value of one association. */
export function answerAssociation(
  { tasks }: MetadataSources,
  scope: EndpointScope,
  version: 'V3' | 'V4',
  endpointId: string,
  type: string,
  name: string,
): Answer {
  if (tasks.find(scope, endpointId) === undefined)
    return jsonAnswer(
      400,
      `${version} container associations handler: unable to get task arn from request: unable to get task Arn from v3 endpoint ID: ${endpointId}`,
    );
  return jsonAnswer(
    400,
    `Unable to write container association response: unable to get association from association type ${type} and association name ${name}`,
  );
}
