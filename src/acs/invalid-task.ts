/** A payload task breaks a rule of acs.md §11: it is reported STOPPED and its payload is not acked. */
export class InvalidTaskError extends Error {
  override readonly name = 'InvalidTaskError';
}
