/**
 * How long calls may take that no setting bounds (task-engine.md §15), in ms. One that does not answer by then
 * is given up and tried again; what it holds up is its own container at most.
 */
export interface CallDeadlines {
  /** Beyond the grace of a stop (ENG-19). */
  readonly stopMarginMs: number;
  /** The look at a local image. */
  readonly imageMs: number;
  readonly listMs: number;
  readonly releaseMs: number;
  readonly removeMs: number;
  /** The task's cgroup and network. */
  readonly resourcesMs: number;
}

export const CALL_DEADLINES: CallDeadlines = {
  stopMarginMs: 2 * 60_000,
  imageMs: 30_000,
  listMs: 60_000,
  releaseMs: 5 * 60_000,
  removeMs: 5 * 60_000,
  resourcesMs: 60_000,
};
