/** What has to be done as the task's execution role waits for the role's credentials (ENG-77). */
export class CredentialsNotHereError extends Error {
  override readonly name = 'CredentialsNotHereError';

  constructor() {
    super("the credentials of the task's execution role have not come from ECS yet");
  }
}
