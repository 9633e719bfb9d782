import { invalidParameter } from './api-error.ts';

const DEFAULT_PAGE = 100;

/** One page of a list; `nextToken` is there only when more follows. */
export function page(
  items: readonly string[],
  {
    nextToken,
    maxResults = DEFAULT_PAGE,
  }: { nextToken?: string | undefined; maxResults?: number | undefined },
): { readonly items: readonly string[]; readonly nextToken?: string } {
  // The token names the last item given out, so that items added or removed meanwhile shift nothing.
  const last = nextToken === undefined ? undefined : Buffer.from(nextToken, 'base64url').toString();
  const start = last === undefined ? 0 : items.indexOf(last) + 1;
  if (last !== undefined && start === 0) throw invalidParameter('Invalid token');
  const slice = items.slice(start, start + maxResults);
  const end = slice.at(-1);
  return end !== undefined && start + slice.length < items.length
    ? { items: slice, nextToken: Buffer.from(end).toString('base64url') }
    : { items: slice };
}
