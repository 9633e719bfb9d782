import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';
import type { EndpointIds } from './endpoint-ids.ts';

/** Where tasks find the agent, in the variables that SDKs read. */
const BASE_URL = 'http://169.254.170.2';

/** What tells a container's programs where its metadata, the agent's API and its role's credentials are (TMDS-75). */
export function endpointEnvironment(
  ids: EndpointIds,
  task: TaskSpec,
  container: ContainerSpec,
): Readonly<Record<string, string>> {
  const id = ids.idOf(task, container.name);
  return {
    ECS_CONTAINER_METADATA_URI: `${BASE_URL}/v3/${id}`,
    ECS_CONTAINER_METADATA_URI_V4: `${BASE_URL}/v4/${id}`,
    ECS_AGENT_URI: `${BASE_URL}/api/${id}`,
    ...(task.taskCredentialsId !== undefined && {
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: `/v2/credentials/${task.taskCredentialsId}`,
    }),
  };
}
