import { openSync, writeSync } from 'node:fs';

/*
 * Writes numbered lines of 100 bytes at a steady rate, as a container does: each write waits for its reader. Tells
 * at the end how many lines there were, and the time that they took.
 *
 *   paced-writer.ts FILE BYTES_PER_SECOND SECONDS
 */

const LINE_BYTES = 100;
const TICK_MS = 10;

const [path = '', bytesPerSecond = '', seconds = ''] = process.argv.slice(2);
const fd = openSync(path, 'w');
const linesPerTick = Math.round((Number(bytesPerSecond) * TICK_MS) / 1000 / LINE_BYTES);
const ticks = Math.round((Number(seconds) * 1000) / TICK_MS);
const start = performance.now();
let number = 0;
for (let tick = 1; tick <= ticks; tick++) {
  let block = '';
  for (let line = 0; line < linesPerTick; line++)
    block += `${String(++number).padEnd(LINE_BYTES - 1, '.')}\n`;
  const bytes = Buffer.from(block);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  const early = start + tick * TICK_MS - performance.now();
  if (early > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, early);
}
console.log(JSON.stringify({ lines: number, ms: performance.now() - start }));
