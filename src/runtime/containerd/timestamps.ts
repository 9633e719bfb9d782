/** A protobuf Timestamp as it is decoded: 64-bit seconds come as text. */
export interface WireTimestamp {
  readonly seconds: string;
  readonly nanos: number;
}

/** Epoch ms; undefined when absent, zero, or Go's unset time, which arrives as the year 1 (CTD-43). */
export function epochMsOf(timestamp: WireTimestamp | null | undefined): number | undefined {
  if (timestamp === null || timestamp === undefined) return undefined;
  const seconds = Number(timestamp.seconds);
  if (seconds <= 0) return undefined;
  return seconds * 1000 + Math.floor(timestamp.nanos / 1e6);
}
