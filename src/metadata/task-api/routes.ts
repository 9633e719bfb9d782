import { FAULT_KINDS } from '../../task/fault.ts';
import { type Answer, METHOD_NOT_ALLOWED, NOT_FOUND } from './answer.ts';
import { answerAssociation, answerAssociations } from './association-routes.ts';
import { answerCredentials, type CredentialsAnswer } from './credentials-route.ts';
import type { EndpointScope } from './endpoint-tasks.ts';
import { answerFault, type FaultSources } from './fault-route.ts';
import { type MetadataSources, V2, V3, V4 } from './metadata-routes.ts';
import { answerProtection } from './protection-route.ts';

/** One request of a task, as far as answers depend on it. */
export interface TaskRequest {
  readonly scope: EndpointScope;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly remoteAddress: string;
  /** Of requests to the agent's API only. */
  readonly body: string;
}

/** What all answers are made from. */
export interface TaskApiSources extends MetadataSources, FaultSources {}

type Handler = (
  sources: TaskApiSources,
  request: TaskRequest,
  parameters: readonly string[],
) => Answer | CredentialsAnswer | Promise<Answer>;

interface Route {
  readonly path: RegExp;
  readonly handle: Handler;
}

/** All paths in the order in which they are tried; any method will do (metadata-endpoints.md §2.1, §4). */
const ROUTES: readonly Route[] = [
  {
    path: /^\/v1\/credentials$/,
    handle: (sources, { scope, query }) => answerCredentials(sources, scope, 'V1', query.get('id') ?? ''),
  },
  {
    path: /^\/v2\/credentials\/(.*)$/,
    handle: (sources, { scope }, [id = '']) => answerCredentials(sources, scope, 'V2', id),
  },
  { path: /^\/v2\/metadata\/?$/, handle: (sources, request) => V2.task(sources, request, false) },
  {
    path: /^\/v2\/metadata\/(.+)$/,
    handle: (sources, request, [id = '']) => V2.container(sources, request, id),
  },
  { path: /^\/v2\/metadataWithTags\/?$/, handle: (sources, request) => V2.task(sources, request, true) },
  { path: /^\/v2\/stats\/?$/, handle: (sources, request) => V2.taskStats(sources, request) },
  {
    path: /^\/v2\/stats\/(.+)$/,
    handle: (sources, request, [id = '']) => V2.containerStats(sources, request, id),
  },
  ...([V3, V4] as const).flatMap((version): readonly Route[] => {
    const base = `^/${version.name}/([^/]*)`;
    const of = (rest: string) => new RegExp(`${base}${rest}$`);
    return [
      { path: of(''), handle: (sources, { scope }, [id = '']) => version.container(sources, scope, id) },
      {
        path: of('/task'),
        handle: (sources, { scope }, [id = '']) => version.task(sources, scope, id, false),
      },
      {
        path: of('/taskWithTags'),
        handle: (sources, { scope }, [id = '']) => version.task(sources, scope, id, true),
      },
      {
        path: of('/stats'),
        handle: (sources, { scope }, [id = '']) => version.containerStats(sources, scope, id),
      },
      {
        path: of('/task/stats'),
        handle: (sources, { scope }, [id = '']) => version.taskStats(sources, scope, id),
      },
      {
        path: of('/associations/([^/]*)'),
        handle: (sources, { scope }, [id = '', type = '']) =>
          answerAssociations(sources, scope, version.label, id, type),
      },
      {
        path: of('/associations/([^/]*)/(.*)'),
        handle: (sources, { scope }, [id = '', type = '', name = '']) =>
          answerAssociation(sources, scope, version.label, id, type, name),
      },
    ];
  }),
  {
    path: /^\/api\/([^/]*)\/task-protection\/v1\/state$/,
    handle: (sources, request, [id = '']) =>
      request.method === 'GET' || request.method === 'PUT'
        ? answerProtection(sources, request.scope, id, request)
        : METHOD_NOT_ALLOWED,
  },
  ...FAULT_KINDS.flatMap((kind) =>
    (['start', 'stop', 'status'] as const).map(
      (operation): Route => ({
        path: new RegExp(`^/api/([^/]*)/fault/v1/${kind}/${operation}$`),
        handle: (sources, request, [id = '']) =>
          request.method === 'POST' ? answerFault(sources, request, id, kind, operation) : METHOD_NOT_ALLOWED,
      }),
    ),
  ),
];

/** Finds and runs what answers a request whose path is clean. */
export async function routeTaskRequest(
  sources: TaskApiSources,
  request: TaskRequest,
): Promise<Answer | CredentialsAnswer> {
  for (const { path, handle } of ROUTES) {
    const match = path.exec(request.path);
    if (match !== null) return await handle(sources, request, match.slice(1));
  }
  return NOT_FOUND;
}

/** A path as Go's `path.Clean` leaves it, with the slash at its end kept (TMDS-2). */
export function cleanPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  const cleaned = `/${segments.join('/')}`;
  return path.endsWith('/') && cleaned !== '/' ? `${cleaned}/` : cleaned;
}
