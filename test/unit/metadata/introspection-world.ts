import type { AgentView } from '../../../src/metadata/introspection/agent-view.ts';
import type { HealthResults } from '../../../src/metadata/introspection/health-probes.ts';
import {
  answerIntrospection,
  type IntrospectionSources,
} from '../../../src/metadata/introspection/introspection-routes.ts';
import type { TaskState } from '../../../src/task/task-state.ts';

export const WELL: HealthResults = { runtime: { ok: true, ms: 1 }, store: { ok: true, ms: 1 } };

/** A registered and connected agent with these tasks. */
export function agentView(tasks: readonly TaskState[], changes: Partial<AgentView> = {}): AgentView {
  return {
    version: 'agent - v1 (0)',
    cluster: 'default',
    containerInstanceArn: 'arn:aws:ecs:us-west-2:123456789012:container-instance/default/1',
    tasks: tasks.map((state) => ({ state, underWay: [], stuck: [], progress: new Map(), why: [] })),
    acs: { connected: true, since: 1_767_225_600_000 },
    tcs: { connected: true, since: 1_767_225_600_000 },
    runtime: { name: 'fake', version: '1' },
    outbox: { depth: 0, oldestAgeMs: 0 },
    ...changes,
  };
}

/** What introspection answers from: these tasks in an agent that is well. */
export function introspectionSources(
  tasks: readonly TaskState[],
  changes: Partial<AgentView> = {},
  sources: Partial<IntrospectionSources> = {},
): IntrospectionSources {
  return {
    view: () => agentView(tasks, changes),
    timeline: async () => [],
    probe: async () => WELL,
    metrics: async () => '',
    licence: async () => 'the licence',
    readLog: async function* () {},
    volumesDirectory: '/volumes',
    ...sources,
  };
}

/** The answer to a GET of a path, its body parsed where it is JSON. */
export async function askIntrospection(
  sources: IntrospectionSources,
  target: string,
  options = { onSocket: false },
): Promise<{ readonly status: number; readonly contentType: string; readonly body: unknown }> {
  const { status, contentType, body } = await answerIntrospection(
    sources,
    new URL(target, 'http://localhost'),
    options,
  );
  return { status, contentType, body: body.startsWith('{') ? JSON.parse(body) : body };
}
