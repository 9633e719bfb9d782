import type { QueuedReport } from '../../src/store/store.ts';
import {
  containerRecordFormat,
  fromRecords,
  reportRecordFormat,
  taskRecordFormat,
  toRecords,
} from '../../src/store/task-record.ts';
import { withUnsettledCounted } from '../../src/store/unsettled.ts';
import type { StateReport } from '../../src/task/report.ts';
import type { TaskState } from '../../src/task/task-state.ts';

/** What survives the agent: the task's record and the outbox. */
export class SimulatedStore {
  task: TaskState | undefined;
  outbox: readonly QueuedReport[] = [];
  #lastId = 0;

  /** One transaction. */
  commit(task: TaskState | undefined, reports: readonly StateReport[]): void {
    this.task = task;
    const queued = reports.map((report) => {
      this.#lastId += 1;
      return { id: this.#lastId, report };
    });
    this.outbox = [...this.outbox, ...queued];
  }

  deleteReport(id: number): void {
    this.outbox = this.outbox.filter((queued) => queued.id !== id);
  }

  /** As after a start of the agent; through the format of the records, or without that detour. */
  load(throughRecords: boolean): TaskState | undefined {
    if (this.task === undefined) return undefined;
    const task = throughRecords ? this.#readBack(this.task) : this.task;
    return withUnsettledCounted([task], this.outbox)[0];
  }

  #readBack(stored: TaskState): TaskState {
    const { task, containers } = toRecords(stored);
    const kept = containers.map((container) =>
      containerRecordFormat.parse(containerRecordFormat.encode(container)),
    );
    this.outbox = this.outbox.map(({ id, report }) => ({
      id,
      report: reportRecordFormat.parse(reportRecordFormat.encode(report)),
    }));
    return fromRecords(
      taskRecordFormat.parse(taskRecordFormat.encode(task)),
      new Map(kept.map((container) => [container.name, container])),
    );
  }
}
