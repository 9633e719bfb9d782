import { createServer } from 'node:http';

/*
 * Stands for the instance metadata service: `imds-double.ts FILE ADDRESS`. FILE is a JSON object of texts by path.
 * Version 2 only: a look-up without a token of this process is refused.
 */
const [file = '', address = '169.254.169.254'] = process.argv.slice(2);
const { default: texts } = await import(file, { with: { type: 'json' } });
const TOKEN = 'token-of-the-double';

createServer((request, response) => {
  const path = request.url ?? '';
  response.setHeader('connection', 'close');
  if (request.method === 'PUT' && path === '/latest/api/token') {
    response.end(TOKEN);
    return;
  }
  if (request.headers['x-aws-ec2-metadata-token'] !== TOKEN) {
    response.writeHead(401).end();
    return;
  }
  const text: unknown = texts[path];
  if (typeof text !== 'string') response.writeHead(404).end();
  else response.end(text);
}).listen(80, address);
