import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';

/*
 * Stands for a container's program: `port-server.ts NAME tcp:80 udp:53 …`. Each TCP port tells NAME and whom it
 * sees, each UDP port sends back what it gets. An address may stand before the port: `tcp:127.0.0.1:80`.
 */
const [name = '', ...ports] = process.argv.slice(2);
for (const text of ports) {
  const [protocol, ...rest] = text.split(':');
  const port = Number(rest.at(-1));
  const host = rest.length > 1 ? rest[0] : undefined;
  if (protocol === 'udp') {
    const socket = createSocket('udp4');
    socket.on('message', (message, from) => socket.send(`${name} ${message}`, from.port, from.address));
    socket.bind(port, host);
  } else {
    createServer((request, response) => {
      response.setHeader('connection', 'close');
      response.end(`${name} to ${(request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')}`);
    }).listen(port, host);
  }
}
