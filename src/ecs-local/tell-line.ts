/** Prints one fact of a task's story: seconds since its start, what, and the rest. */
export function tellLine(seconds: number, what: string, detail: string): void {
  console.log(`${seconds.toFixed(2).padStart(8)} s  ${what.padEnd(8)}  ${detail}`.trimEnd());
}
