import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { z } from '../schema.ts';
import { ApiError } from './api-error.ts';
import { startControlPlane } from './control-plane.ts';
import { type NetworkInterface, networkInterfacesSchema } from './network-interfaces.ts';
import { DEFAULT_SETTINGS } from './settings.ts';

/** The command line of the control plane. Keys: flags, else the environment's, else `test`/`test`. */
const program = new Command('control-plane')
  .description('A local control plane that speaks the ECS API, ACS and TCS to one or more agents')
  .requiredOption('--port <number>', 'port to listen on, 0 for a free one', whole)
  .requiredOption('--state-dir <directory>', 'where clusters, definitions and tasks are kept')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--access-key <id>', 'access key id that callers sign with')
  .option('--secret-key <key>', 'its secret access key')
  .option('--region <name>', 'region', DEFAULT_SETTINGS.region)
  .option('--account <digits>', 'account id', DEFAULT_SETTINGS.account)
  .option('--tls-cert <file>', 'certificate (PEM); with --tls-key: https and wss')
  .option('--tls-key <file>', 'its private key (PEM)')
  .option('--acs-heartbeat-ms <ms>', 'between ACS heartbeats', whole, DEFAULT_SETTINGS.acsHeartbeatMs)
  .option('--tcs-heartbeat-ms <ms>', 'between TCS heartbeats', whole, DEFAULT_SETTINGS.tcsHeartbeatMs)
  .option('--connection-life-ms <ms>', 'life of a connection', whole, DEFAULT_SETTINGS.connectionLifeMs)
  .option('--resend-ms <ms>', 'until an unacked message is sent again', whole, DEFAULT_SETTINGS.resendMs)
  .option(
    '--credentials-life-ms <ms>',
    'life of task role credentials',
    whole,
    DEFAULT_SETTINGS.credentialsLifeMs,
  )
  .option(
    '--credentials-renew-ms <ms>',
    'how long before their end they are renewed',
    whole,
    DEFAULT_SETTINGS.credentialsRenewMs,
  )
  .option('--network-interfaces <file>', 'ENIs for awsvpc tasks, a JSON list', readInterfaces)
  .option('--attach-wait-ms <ms>', 'until an ENI must be seen', whole, DEFAULT_SETTINGS.attachWaitMs)
  .option('--no-resource-check', 'place tasks without a look at CPU, memory and ports')
  .option('--verbose', 'print each call that fails')
  .parse();

interface Flags {
  readonly port: number;
  readonly stateDir: string;
  readonly host: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly region: string;
  readonly account: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly acsHeartbeatMs: number;
  readonly tcsHeartbeatMs: number;
  readonly connectionLifeMs: number;
  readonly resendMs: number;
  readonly credentialsLifeMs: number;
  readonly credentialsRenewMs: number;
  readonly networkInterfaces?: readonly NetworkInterface[];
  readonly attachWaitMs: number;
  readonly resourceCheck: boolean;
  readonly verbose?: boolean;
}

const { stateDir, accessKey, secretKey, tlsCert, tlsKey, resourceCheck, verbose, ...settings } =
  program.opts<Flags>();
if ((tlsCert === undefined) !== (tlsKey === undefined)) {
  program.error('give --tls-cert and --tls-key together');
}

const controlPlane = await startControlPlane({
  ...settings,
  stateDirectory: stateDir,
  checkResources: resourceCheck,
  accessKeyId: accessKey ?? process.env.AWS_ACCESS_KEY_ID ?? DEFAULT_SETTINGS.accessKeyId,
  secretAccessKey: secretKey ?? process.env.AWS_SECRET_ACCESS_KEY ?? DEFAULT_SETTINGS.secretAccessKey,
  ...(tlsCert === undefined || tlsKey === undefined
    ? {}
    : { tls: { certificate: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') } }),
  called: (operation, error) => {
    if (error === undefined || (error instanceof ApiError && verbose !== true)) return;
    console.error(`${operation}: ${error instanceof ApiError ? `${error.code}: ${error.message}` : error}`);
  },
}).catch((error: unknown) => program.error(`cannot start: ${String(error)}`));

console.log(`control plane listening on ${controlPlane.url}, state in ${stateDir}`);

const stop = async (): Promise<void> => {
  await controlPlane.close();
  process.exit(0);
};
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('give a whole number');
  return Number(text);
}

function readInterfaces(file: string): readonly NetworkInterface[] {
  try {
    return networkInterfacesSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const detail = error instanceof z.core.$ZodError ? z.prettifyError(error) : String(error);
    throw new InvalidArgumentError(`${file} is not a list of network interfaces: ${detail}`);
  }
}
