import type { FaultConflict, FaultInjector, FaultKind, FaultPlace } from '../../task/fault.ts';
import { taskIdOf } from '../../task/ids.ts';
import type { TaskState } from '../../task/task-state.ts';
import type { RateLimiter } from '../rate-limit.ts';
import { type Answer, jsonAnswer, textAnswer } from './answer.ts';
import type { EndpointScope, EndpointTasks } from './endpoint-tasks.ts';
import { type FaultCall, type FaultOperation, FaultRequestError, parseFaultCall } from './fault-request.ts';

/** All of a request's commands together (metadata-endpoints.md §7.3). */
const TIMEOUT_MS = 5000;
/** For each caller and path, on top of the limit of all requests (§9). */
export const FAULT_LIMIT = { steady: 0.2, burst: 1 };

export interface FaultSources {
  readonly tasks: EndpointTasks;
  readonly faults: FaultInjector;
  readonly faultLimiter: RateLimiter;
  /** Told why a fault could not be made: the caller is not. */
  onFaultFailed(error: unknown): void;
}

export interface FaultRequest {
  readonly scope: EndpointScope;
  readonly path: string;
  readonly remoteAddress: string;
  readonly body: string;
}

/** Starts or stops network trouble for the caller's own task, or tells whether there is some (§7). */
export async function answerFault(
  sources: FaultSources,
  request: FaultRequest,
  endpointId: string,
  kind: FaultKind,
  operation: FaultOperation,
): Promise<Answer> {
  const answer = await limitedAnswer(sources, request, endpointId, kind, operation);
  return { ...answer, ownLimit: sources.faultLimiter.steady };
}

async function limitedAnswer(
  sources: FaultSources,
  { scope, path, remoteAddress, body }: FaultRequest,
  endpointId: string,
  kind: FaultKind,
  operation: FaultOperation,
): Promise<Answer> {
  if (!sources.faultLimiter.take(`${remoteAddress} ${path}`))
    return textAnswer(429, 'You have reached maximum request limit');
  let call: FaultCall;
  try {
    call = parseFaultCall(kind, operation, body);
  } catch (error) {
    if (error instanceof FaultRequestError) return failure(400, error.message);
    throw error;
  }
  const found = sources.tasks.find(scope, endpointId);
  if (found === undefined)
    return failure(
      404,
      `unable to get task arn from request: unable to get task Arn from v3 endpoint ID: ${endpointId}`,
    );
  const { spec } = found.task;
  if (spec.faultInjection !== true)
    return failure(400, `enableFaultInjection is not enabled for task: ${spec.arn}`);
  const place = placeOf(found.task);
  if (place === undefined)
    return failure(
      500,
      `failed to get task metadata due to internal server error for container: ${endpointId}`,
    );
  return await carryOut(sources, place, call);
}

async function carryOut(
  { faults, onFaultFailed }: FaultSources,
  place: FaultPlace,
  call: FaultCall,
): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    if (call.operation === 'start') {
      const started = await faults.start(place, call.fault, signal);
      return started === 'running' ? success(started) : conflict(started);
    }
    if (call.operation === 'stop') return success(await faults.stop(place, call.fault, signal));
    return success(await faults.status(place, call.fault, signal));
  } catch (error) {
    onFaultFailed(error);
    const verb = call.operation === 'status' ? 'check status' : call.operation;
    const request = `${verb} ${call.fault.kind}`;
    return failure(500, signal.aborted ? `${request}: request timed out` : 'internal error');
  }
}

/** Tasks of the other modes have no links that the metadata knows, and end here (§7.2). */
function placeOf({ spec, containers }: TaskState): FaultPlace | undefined {
  if (spec.networkMode === 'host') return { kind: 'host' };
  if (spec.networkMode !== 'awsvpc') return undefined;
  const pid = containers.find(({ known, pid }) => known === 'RUNNING' && pid !== undefined)?.pid;
  return pid === undefined ? undefined : { kind: 'process', task: taskIdOf(spec.arn), pid };
}

function conflict({ running }: FaultConflict): Answer {
  const what = running === 'network-latency' ? 'latency' : 'packet loss';
  return failure(409, `There is already one network ${what} fault running`);
}

const success = (status: string) => jsonAnswer(200, { Status: status });
const failure = (status: number, error: string) => jsonAnswer(status, { Error: error });
