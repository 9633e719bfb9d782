const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/**
 * Counts the transactions that lie whole in the first `length` bytes of an SQLite journal (WAL): the frame that
 * ends one carries the size of the database.
 */
export function transactionsIn(wal: Buffer, length = wal.length): number {
  const frame = FRAME_HEADER_BYTES + wal.readUInt32BE(8);
  let transactions = 0;
  for (let at = HEADER_BYTES; at + frame <= length; at += frame)
    if (wal.readUInt32BE(at + 4) > 0) transactions += 1;
  return transactions;
}
