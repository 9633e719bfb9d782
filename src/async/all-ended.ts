/**
 * As `Promise.all`, but when one fails it rejects only after all have ended: nothing of them is under way any more. Of
 * several failures the first in the list is told.
 */
export async function allEnded(work: readonly unknown[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
