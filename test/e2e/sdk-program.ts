import { STSClient } from '@aws-sdk/client-sts';

/*
 * Runs in a container. Tells which keys the SDK's default credential chain finds, once for each new pair; one that
 * finds none says why.
 */
// Process 1 of a container gets only the signals that it handles.
process.on('SIGTERM', () => process.exit(0));
const sts = new STSClient({ region: 'us-west-2' });
let last = '';
for (;;) {
  const line = await sts.config
    .credentials({ forceRefresh: true })
    .then(({ accessKeyId, sessionToken }) => `keys ${accessKeyId} ${sessionToken}`)
    .catch((error: Error) => `none ${error.message.replaceAll('\n', ' ')}`);
  if (line !== last) process.stdout.write(`${line}\n`);
  last = line;
  await new Promise((resolve) => setTimeout(resolve, 500));
}
