import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const lgetxattrCall: (path: string, name: string, value: Buffer, size: number) => number = libc.func(
  'int64_t lgetxattr(const char *, const char *, void *, size_t)',
);
const VALUE_LIMIT_BYTES = 256;

/** A short extended attribute of a file, links not followed; undefined when it has none of that name. */
export function readXattr(path: string, name: string): string | undefined {
  const value = Buffer.alloc(VALUE_LIMIT_BYTES);
  const length = lgetxattrCall(path, name, value, value.length);
  return length < 0 ? undefined : value.toString('utf8', 0, length);
}
