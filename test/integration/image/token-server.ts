import { once } from 'node:events';
import { createServer } from 'node:http';

/** A token server as registries name them in their Bearer challenge, with every request it got. */
export interface TokenServer extends AsyncDisposable {
  readonly realm: string;
  readonly requests: { readonly query: URLSearchParams; readonly authorization: string | undefined }[];
  /** Tokens given out, newest last. */
  readonly tokens: string[];
  /** Seconds that tokens are said to last. */
  expiresIn: number;
}

export interface TokenServerOptions {
  /** Gives tokens to those who show no login, too. */
  readonly anonymous: boolean;
  /** What its answer calls the token; default `access_token`. */
  readonly member?: 'access_token' | 'token';
}

/** Gives tokens to the user. */
export async function startTokenServer(
  user: { readonly username: string; readonly password: string },
  { anonymous, member = 'access_token' }: TokenServerOptions,
): Promise<TokenServer> {
  const expected = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    tokens.requests.push({ query: new URL(request.url ?? '', tokens.realm).searchParams, authorization });
    if (authorization === expected || (anonymous && authorization === undefined)) {
      const token = `token-${tokens.tokens.length + 1}`;
      tokens.tokens.push(token);
      response.end(JSON.stringify({ [member]: token, expires_in: tokens.expiresIn }));
      return;
    }
    response.writeHead(401).end(JSON.stringify({ details: 'incorrect username or password' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const tokens: TokenServer = {
    realm: `http://127.0.0.1:${address.port}/token`,
    requests: [],
    tokens: [],
    expiresIn: 300,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return tokens;
}
