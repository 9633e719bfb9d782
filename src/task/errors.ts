/**
 * Errors that a user sees as the reason of a stopped task or container (task-engine.md §3). The code is what
 * alarms match on; the text carries what was tried, on what, why it failed and what to do.
 */
export const TASK_ERROR_CODES = [
  'DockerTimeoutError',
  'OutOfMemoryError',
  'DockerStateError',
  'CannotPullImageManifestError',
  'CannotPullContainerError',
  'CannotPullECRContainerError',
  'CannotPullContainerAuthError',
  'CannotCreateContainerError',
  'CannotStartContainerError',
  'CannotInspectContainerError',
  'CannotDescribeContainerError',
  'CannotStopContainerError',
  'NoSuchContainerError',
  'CannotRemoveContainerError',
  'CannotListContainersError',
  'ContainerVanishedError',
  'TaskDependencyError',
  'TaskStoppedBeforePullBeginError',
  'ContainerNetworkingError',
  'HostConfigError',
  'DockerClientConfigError',
  'ResourceInitializationError',
  'CgroupError',
  'CannotCreateVolumeError',
  'VolumeError',
  'TaskResourceError',
] as const;
export type TaskErrorCode = (typeof TASK_ERROR_CODES)[number];

/** An expected failure with the name that ECS users know. Decide on `code` and `retryable`, never on text. */
export class TaskError extends Error {
  readonly code: TaskErrorCode;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;

  constructor(code: TaskErrorCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = code;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The runtime itself could not be reached; nothing is known about the container. Always worth retrying. */
export class RuntimeUnavailableError extends Error {
  override readonly name = 'RuntimeUnavailableError';
}

/** Code and text of an error as kept in the state and shown to ECS. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** `UnknownError` when the error has no name that ECS knows (ENG-139). */
export function reasonOf(error: unknown): Reason {
  if (error instanceof TaskError) return { code: error.code, message: error.message };
  return { code: 'UnknownError', message: error instanceof Error ? error.message : String(error) };
}

/** `<Name>: <message>` (ENG-16); of a resource of the task the message alone (RES-01). */
export function renderReason(reason: Reason): string {
  if (reason.code === 'TaskResourceError') return reason.message;
  return `${reason.code}: ${reason.message}`;
}
