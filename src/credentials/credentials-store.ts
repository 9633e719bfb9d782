/** Temporary credentials of a task's role, as ACS sent them; never logged, never on disk (acs.md §10.3). */
export interface RoleCredentials {
  readonly credentialsId: string;
  readonly roleArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** ISO 8601, passed on verbatim. */
  readonly expiration: string;
}

export type RoleType = 'TaskApplication' | 'TaskExecution';

interface Entry {
  readonly taskArn: string;
  readonly roleType: RoleType;
  readonly credentials: RoleCredentials;
}

/** Role credentials of all tasks, in memory only, by credentials id. */
export class CredentialsStore {
  readonly #entries = new Map<string, Entry>();
  readonly #onArrival: (taskArn: string) => void;

  /** `onArrival` is told of each task that credentials came for. */
  constructor(onArrival: (taskArn: string) => void = () => {}) {
    this.#onArrival = onArrival;
  }

  /** Adds or renews; normally the id stays the same across renewals, if not the old one ends. */
  put(taskArn: string, roleType: RoleType, credentials: RoleCredentials): void {
    for (const [id, entry] of this.#entries)
      if (entry.taskArn === taskArn && entry.roleType === roleType) this.#entries.delete(id);
    this.#entries.set(credentials.credentialsId, { taskArn, roleType, credentials });
    this.#onArrival(taskArn);
  }

  get(credentialsId: string): RoleCredentials | undefined {
    return this.#entries.get(credentialsId)?.credentials;
  }

  /** Credentials of a task's role, if they have arrived. */
  ofTask(taskArn: string, roleType: RoleType): RoleCredentials | undefined {
    for (const entry of this.#entries.values())
      if (entry.taskArn === taskArn && entry.roleType === roleType) return entry.credentials;
    return undefined;
  }

  /** Forgets everything of a task. */
  removeTask(taskArn: string): void {
    for (const [id, entry] of this.#entries) if (entry.taskArn === taskArn) this.#entries.delete(id);
  }
}
