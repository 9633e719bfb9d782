/** One thing that is measured, again and again. */
export interface Contender {
  readonly name: string;
  /** Measures once; gives the sample. */
  readonly measure: (round: number) => Promise<number>;
}

/**
 * Measures contenders in turn, A B C A B C, so that whatever else the machine does meets all of them alike. The
 * warm-up rounds are measured too and thrown away.
 */
export async function interleave(
  contenders: readonly Contender[],
  { rounds, warmUps = 1 }: { readonly rounds: number; readonly warmUps?: number },
): Promise<ReadonlyMap<string, readonly number[]>> {
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds + warmUps; round += 1)
    for (const { name, measure } of contenders) {
      const sample = await measure(round);
      if (round >= warmUps) samples.get(name)?.push(sample);
    }
  return samples;
}

/** How long something takes, ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
