/**
 * Frees the memory of bytes that nobody reads any more, where they are all that it holds: the collector lets some
 * 60 MB of such garbage pile up before it looks (CTD-48). The bytes are gone afterwards.
 */
export function freeAtOnce({ buffer, byteLength }: Buffer): void {
  if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
