import type { TaskArn } from '../../task/ids.ts';
import type { Transition } from '../../task/timeline.ts';
import { goJson } from '../go-json.ts';
import { EXPOSITION_TYPE } from '../metrics/exposition.ts';
import { type Answer, jsonAnswer, textAnswer } from '../task-api/answer.ts';
import {
  agentDocument,
  findTask,
  type HealthDocument,
  healthDocument,
  readyDocument,
  timelineDocument,
} from './agent-documents.ts';
import type { AgentView } from './agent-view.ts';
import type { HealthResults } from './health-probes.ts';
import { logText, type ReadContainerLog } from './log-documents.ts';
import { metadataDocument, NO_TASK, taskDocument, tasksOfRuntimeId } from './task-documents.ts';

/** What answers are made from. */
export interface IntrospectionSources {
  view(): AgentView;
  /** Kept moves of a task, oldest first. */
  timeline(task: TaskArn): Promise<readonly Transition[]>;
  /** Whether runtime and store work. */
  probe(): Promise<HealthResults>;
  /** The agent's metrics in Prometheus' text form. */
  metrics(view: AgentView): Promise<string>;
  /** Text of the agent's licence; undefined where it is not installed. */
  licence(): Promise<string | undefined>;
  readonly readLog: ReadContainerLog;
  /** Where the agent keeps volumes. */
  readonly volumesDirectory: string;
}

type Handler = (
  sources: IntrospectionSources,
  query: URLSearchParams,
  parameter: string,
) => Answer | Promise<Answer>;

/** Paths of the Amazon ECS agent, then our own; any method will do (metadata-endpoints.md §10). */
const ROUTES: readonly (readonly [RegExp, Handler])[] = [
  [/^\/v1\/metadata$/, (sources) => jsonAnswer(200, metadataDocument(sources.view()))],
  [/^\/v1\/tasks$/, (sources, query) => tasks(sources, query)],
  [/^\/license$/, (sources) => licence(sources)],
  [/^\/v1\/agent$/, (sources) => jsonAnswer(200, agentDocument(sources.view()))],
  [/^\/v1\/tasks\/([^/]+)\/timeline$/, (sources, _, name) => timeline(sources, name)],
  [/^\/metrics$/, (sources) => metrics(sources)],
  [/^\/healthz$/, async (sources) => health(healthDocument(await sources.probe()))],
  [/^\/readyz$/, async (sources) => health(readyDocument(sources.view(), await sources.probe(), Date.now()))],
];

/** For the host's root only: containers of host mode reach the ports too. */
const SOCKET_ROUTES: typeof ROUTES = [
  [
    /^\/v1\/tasks\/([^/]+)\/logs$/,
    (sources, query, name) => logText(sources.view(), name, query, sources.readLog),
  ],
];

const COMMANDS = { AvailableCommands: ['/v1/metadata', '/v1/tasks', '/license'] };

/** Answers one request; an unknown path with the list of commands (OBS-114). */
export async function answerIntrospection(
  sources: IntrospectionSources,
  url: URL,
  options: { readonly onSocket: boolean },
): Promise<Answer> {
  for (const [path, handle] of options.onSocket ? [...ROUTES, ...SOCKET_ROUTES] : ROUTES) {
    const match = path.exec(url.pathname);
    if (match !== null) return await handle(sources, url.searchParams, match[1] ?? '');
  }
  return textAnswer(200, goJson(COMMANDS));
}

/** More than one filter is refused (OBS-118); without one all tasks are listed. */
function tasks({ view, volumesDirectory }: IntrospectionSources, query: URLSearchParams): Answer {
  const all = view().tasks.map(({ state }) => state);
  const arn = query.get('taskarn') ?? '';
  const runtimeId = query.get('dockerid') ?? '';
  if (arn !== '' && runtimeId !== '') return jsonAnswer(400, NO_TASK);
  if (arn === '' && runtimeId === '')
    return jsonAnswer(200, { Tasks: all.map((task) => taskDocument(task, volumesDirectory)) });
  const found = arn === '' ? tasksOfRuntimeId(all, runtimeId) : all.filter(({ spec }) => spec.arn === arn);
  const [task] = found;
  if (task === undefined) return jsonAnswer(404, NO_TASK);
  return found.length > 1 ? jsonAnswer(400, NO_TASK) : jsonAnswer(200, taskDocument(task, volumesDirectory));
}

async function licence(sources: IntrospectionSources): Promise<Answer> {
  const text = await sources.licence();
  const contentType = 'text/plain';
  return text === undefined
    ? { status: 500, contentType, body: '' }
    : { status: 200, contentType, body: text };
}

async function timeline(sources: IntrospectionSources, name: string): Promise<Answer> {
  const task = findTask(sources.view(), name);
  if (task === undefined)
    return jsonAnswer(404, { error: `no one task has an id that begins with ${name}; /v1/tasks lists all` });
  return jsonAnswer(200, timelineDocument(task, await sources.timeline(task.state.spec.arn)));
}

async function metrics(sources: IntrospectionSources): Promise<Answer> {
  return { status: 200, contentType: EXPOSITION_TYPE, body: await sources.metrics(sources.view()) };
}

function health(document: HealthDocument): Answer {
  return jsonAnswer(document.ok ? 200 : 503, document);
}
