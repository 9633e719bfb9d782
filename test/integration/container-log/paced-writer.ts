import { openSync, writeSync } from 'node:fs';

/*
 * Writes numbered lines at a steady rate, as a container does: each write waits for its reader. Tells
 * at the end how many lines there were, and the time that they took.
 *
 *   paced-writer.ts FILE BYTES_PER_SECOND SECONDS [LINE_BYTES]
 */

const TICK_MS = 10;

const [path = '', bytesPerSecond = '', seconds = '', lineLength = '100'] = process.argv.slice(2);
const lineBytes = Number(lineLength);
const fd = openSync(path, 'w');
const linesPerTick = Math.round((Number(bytesPerSecond) * TICK_MS) / 1000 / lineBytes);
const ticks = Math.round((Number(seconds) * 1000) / TICK_MS);
const start = performance.now();
let number = 0;
for (let tick = 1; tick <= ticks; tick++) {
  let block = '';
  for (let line = 0; line < linesPerTick; line++) block += `${String(++number).padEnd(lineBytes - 1, '.')}\n`;
  const bytes = Buffer.from(block);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  const early = start + tick * TICK_MS - performance.now();
  if (early > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, early);
}
console.log(JSON.stringify({ lines: number, ms: performance.now() - start }));
