/**
 * The instance could not be registered. Exit code 5: starting again would not help; 1: it may (ecs-api.md §A4.1).
 */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
  readonly exitCode: 1 | 5;

  constructor(message: string, exitCode: 1 | 5, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}
