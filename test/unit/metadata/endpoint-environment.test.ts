import { describe, expect, it } from 'vitest';
import { endpointEnvironment } from '../../../src/metadata/endpoint-environment.ts';
import { EndpointIds } from '../../../src/metadata/endpoint-ids.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';

const IDS = new EndpointIds('00'.repeat(32));

describe('what tells a container where the agent is', () => {
  it('names metadata v3 and v4 and the API by an id of its own, in every container (ENG-37)', () => {
    const app = containerSpec('app');
    const side = containerSpec('side');
    const spec = taskSpec([app, side]);
    const [ofApp, ofSide] = [app, side].map((container) => endpointEnvironment(IDS, spec, container));
    const id = IDS.idOf(spec, 'app');
    expect(ofApp).toEqual({
      ECS_CONTAINER_METADATA_URI: `http://169.254.170.2/v3/${id}`,
      ECS_CONTAINER_METADATA_URI_V4: `http://169.254.170.2/v4/${id}`,
      ECS_AGENT_URI: `http://169.254.170.2/api/${id}`,
    });
    expect(Object.keys(ofSide ?? {})).toEqual(Object.keys(ofApp ?? {}));
    expect(IDS.idOf(spec, 'side')).not.toBe(id);
  });

  it('names the credentials of a task role where there is one, and there alone (OBS-79)', () => {
    const app = containerSpec('app');
    const of = (changes: Partial<TaskSpec>) =>
      endpointEnvironment(IDS, taskSpec([app], changes), app).AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
    expect(of({ taskCredentialsId: 'id-1' })).toBe('/v2/credentials/id-1');
    expect(of({ executionCredentialsId: 'id-2' })).toBeUndefined();
  });
});
