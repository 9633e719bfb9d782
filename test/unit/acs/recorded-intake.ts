import type { TaskIntake } from '../../../src/engine/task-intake.ts';
import type { TaskArn } from '../../../src/task/ids.ts';
import type { DesiredStatus } from '../../../src/task/statuses.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';

interface Asked {
  readonly spec: TaskSpec;
  readonly desired: DesiredStatus;
}

/** An engine that only remembers what it was asked, and that can be held up or made to fail. */
export class RecordedIntake implements TaskIntake {
  readonly accepted: (readonly Asked[])[] = [];
  readonly rejected: { arn: TaskArn; reason: string }[] = [];
  readonly stopped: TaskArn[] = [];
  readonly tasks = new Map<TaskArn, DesiredStatus>();
  failure: Error | undefined;
  /** Resolves when the store may go on. */
  gate: Promise<void> = Promise.resolve();

  async accept(tasks: readonly Asked[]): Promise<void> {
    this.accepted.push(tasks);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    for (const { spec, desired } of tasks)
      if (this.tasks.get(spec.arn) !== 'STOPPED') this.tasks.set(spec.arn, desired);
  }

  async reject(arn: TaskArn, reason: string): Promise<void> {
    this.rejected.push({ arn, reason });
  }

  async stop(arns: readonly TaskArn[]): Promise<void> {
    this.stopped.push(...arns);
    for (const arn of arns) if (this.tasks.has(arn)) this.tasks.set(arn, 'STOPPED');
  }

  knows(arn: TaskArn): boolean {
    return this.tasks.has(arn);
  }

  desiredRunning(): readonly TaskArn[] {
    return [...this.tasks].filter(([, desired]) => desired === 'RUNNING').map(([arn]) => arn);
  }
}
