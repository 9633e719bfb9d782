/**
 * The agent's calls to ECS (ecs-api.md §A4). Each rejects with `EcsApiError`; retries of §A3 are inside.
 */
export interface EcsApi {
  registerContainerInstance(
    request: RegisterContainerInstanceRequest,
    options: { signal: AbortSignal },
  ): Promise<RegisteredContainerInstance>;
  createCluster(clusterName: string, options: { signal: AbortSignal }): Promise<void>;
  discoverPollEndpoint(
    cluster: string,
    containerInstanceArn: string,
    options: { signal: AbortSignal },
  ): Promise<PollEndpoints>;
  submitTaskStateChange(
    request: SubmitTaskStateChangeRequest,
    options: { signal: AbortSignal },
  ): Promise<void>;
  /** Tells that an ENI is attached, by the call that is meant for its kind (ecs-api.md §C5). */
  submitAttachment(request: SubmitAttachmentRequest, options: { signal: AbortSignal }): Promise<void>;
}

export interface ServiceAnswer {
  readonly message: string;
  readonly requestId?: string;
}

/** An error answer of ECS, or a call that could not be made. */
export class EcsApiError extends Error {
  override readonly name = 'EcsApiError';
  /** ECS's error name, e.g. `InvalidParameterException`; `NetworkError` when there was no answer. */
  readonly code: string;
  /** 0 when there was no answer. */
  readonly httpStatus: number;
  /** What ECS itself said and under which request; absent when there was no answer. */
  readonly answer: ServiceAnswer | undefined;

  constructor(code: string, message: string, httpStatus: number, cause?: unknown, answer?: ServiceAnswer) {
    super(message, { cause });
    this.code = code;
    this.httpStatus = httpStatus;
    this.answer = answer;
  }
}

export interface NameValue {
  readonly name: string;
  readonly value?: string;
}

export type HostResource =
  | { readonly name: string; readonly type: 'INTEGER'; readonly integerValue?: number }
  | { readonly name: string; readonly type: 'STRINGSET'; readonly stringSetValue: readonly string[] };

export interface RegisterContainerInstanceRequest {
  readonly cluster: string;
  readonly containerInstanceArn?: string;
  readonly instanceIdentityDocument: string;
  readonly instanceIdentityDocumentSignature: string;
  readonly totalResources: readonly HostResource[];
  readonly attributes: readonly NameValue[];
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
  readonly platformDevices?: readonly { readonly id: string; readonly type: 'GPU' }[];
  readonly clientToken: string;
}

export interface RegisteredContainerInstance {
  readonly containerInstanceArn: string;
  readonly attributes: readonly NameValue[];
}

export interface PollEndpoints {
  readonly acs: string;
  readonly telemetry?: string;
}

/** Times are epoch seconds with up to three decimals (OBS-14). */
export interface SubmitTaskStateChangeRequest {
  readonly cluster: string;
  readonly task: string;
  readonly status: string;
  readonly reason: string;
  readonly containers?: readonly {
    readonly containerName: string;
    readonly status: string;
    readonly runtimeId?: string;
    readonly imageDigest?: string;
    readonly exitCode?: number;
    readonly networkBindings?: readonly NetworkBinding[];
    readonly reason?: string;
  }[];
  readonly pullStartedAt?: number;
  readonly pullStoppedAt?: number;
  readonly executionStoppedAt?: number;
}

export interface SubmitAttachmentRequest {
  readonly cluster: string;
  readonly attachmentArn: string;
  /** Absent: the instance's own. */
  readonly task?: string;
}

/** A published port, or a range of them (ecs-api.md §C3). */
export interface NetworkBinding {
  readonly bindIP: string;
  readonly containerPort?: number;
  readonly containerPortRange?: string;
  readonly hostPort?: number;
  readonly hostPortRange?: string;
  readonly protocol: string;
}
