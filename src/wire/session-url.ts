/**
 * The URL of an ACS or TCS session: `<endpoint>/ws?<query>`, keys in byte order, http(s) turned into ws(s)
 * (acs.md §2, tcs.md §1). Parameters that are undefined are left out. Throws on another scheme.
 */
export function sessionUrl(endpoint: string, query: Readonly<Record<string, string | undefined>>): URL {
  const base = new URL(endpoint.endsWith('/') ? endpoint : `${endpoint}/`);
  const url = new URL('ws', base);
  const scheme = SCHEMES.get(base.protocol);
  if (scheme === undefined) throw new Error(`endpoint ${endpoint} is neither http nor https`);
  url.search = Object.entries(query)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${encode(key)}=${encode(value)}`]))
    .sort()
    .join('&');
  return new URL(url.href.replace(base.protocol, scheme));
}

const SCHEMES: ReadonlyMap<string, string> = new Map([
  ['https:', 'wss:'],
  ['http:', 'ws:'],
]);

/** Every byte that SigV4 wants encoded is, so that the query is its own canonical form. */
function encode(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
