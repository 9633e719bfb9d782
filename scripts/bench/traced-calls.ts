/** One call of the agent to somebody else, or something that happened to it. */
export interface TracedCall {
  /** Who was asked; `agent` for what it did itself. */
  readonly who: 'agent' | 'containerd' | 'store' | 'log service' | 'program' | 'ECS';
  readonly name: string;
  /** When it began, epoch ms with a fraction. */
  readonly at: number;
  /** How long it took; 0 for a moment. */
  readonly ms: number;
}

/** Everything of one start: from the payload until its report had come. */
export interface TracedStart {
  /** Epoch ms. */
  readonly from: number;
  readonly until: number;
  readonly calls: readonly TracedCall[];
}

/** A row of the profile: medians over starts, ms. */
export interface ProfileRow {
  readonly name: string;
  /** How many of them a start has. */
  readonly count: number;
  /** From the payload to the begin of the first. */
  readonly beginsAt: number;
  /** All of a start together. */
  readonly takes: number;
}

/** The calls that lie within a start. */
export function callsWithin(
  calls: readonly TracedCall[],
  from: number,
  until: number,
): readonly TracedCall[] {
  return calls.filter(({ at, ms }) => at >= from && at + ms <= until).toSorted((a, b) => a.at - b.at);
}

/** Where the time of starts goes, call by call in the order in which they begin, and what is left for the agent. */
export function profileOf(starts: readonly TracedStart[]): readonly ProfileRow[] {
  const names = new Set(starts.flatMap(({ calls }) => calls.map(nameOf)));
  const rows = [...names].map((name): ProfileRow => {
    const own = starts.map(({ from, calls }) => {
      const same = calls.filter((call) => nameOf(call) === name);
      return {
        count: same.length,
        beginsAt: (same[0]?.at ?? from) - from,
        takes: same.reduce((sum, { ms }) => sum + ms, 0),
      };
    });
    return {
      name,
      count: median(own.map(({ count }) => count)),
      beginsAt: median(own.map(({ beginsAt }) => beginsAt)),
      takes: median(own.map(({ takes }) => takes)),
    };
  });
  const total = median(starts.map(({ from, until }) => until - from));
  const alone = median(starts.map(aloneOf));
  return [
    ...rows.filter(({ count }) => count > 0).toSorted((a, b) => a.beginsAt - b.beginsAt),
    { name: 'the agent itself, no call under way', count: 1, beginsAt: 0, takes: alone },
    { name: 'payload to report', count: 1, beginsAt: 0, takes: total },
  ];
}

/** How long no call was under way. */
function aloneOf({ from, until, calls }: TracedStart): number {
  let alone = 0;
  let covered = from;
  for (const { at, ms, who } of calls) {
    if (who === 'agent') continue;
    alone += Math.max(0, at - covered);
    covered = Math.max(covered, at + ms);
  }
  return alone + Math.max(0, until - covered);
}

/** Events of Chrome's trace viewer: a line for each who, times in µs after the payload. */
export function traceEvents({ from, until, calls }: TracedStart): readonly object[] {
  const lanes = [...new Set(calls.map(({ who }) => who))];
  const common = { pid: 1, cat: 'start' };
  return [
    ...['driver', ...lanes].map((name, tid) => ({
      ph: 'M',
      pid: 1,
      tid,
      name: 'thread_name',
      args: { name },
    })),
    { ...common, ph: 'X', tid: 0, name: 'payload to report', ts: 0, dur: (until - from) * 1000 },
    ...calls.map(({ who, name, at, ms }) => ({
      ...common,
      ph: ms > 0 ? 'X' : 'i',
      tid: lanes.indexOf(who) + 1,
      name,
      ts: (at - from) * 1000,
      ...(ms > 0 ? { dur: ms * 1000 } : { s: 'p' }),
    })),
  ];
}

const nameOf = ({ who, name }: TracedCall) => `${who}: ${name}`;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
