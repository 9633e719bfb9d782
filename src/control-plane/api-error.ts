/** An error answer of the API: `code` is the AWS error name, `message` what AWS says with it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly httpStatus: number;
  /** Further members of the error body, such as `resourceIds` of a ConflictException. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    httpStatus = 400,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.httpStatus = httpStatus;
    this.details = details;
  }
}

export function invalidParameter(message: string): ApiError {
  return new ApiError('InvalidParameterException', message);
}

export function clientError(message: string): ApiError {
  return new ApiError('ClientException', message);
}

export function clusterNotFound(): ApiError {
  return new ApiError('ClusterNotFoundException', 'Cluster not found.');
}
