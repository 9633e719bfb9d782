import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openAttachments } from '../../../src/agent-task-eni.ts';
import { memoryStore } from '../../../src/store/memory-store.ts';
import { type PlayedEni, PlayedInstance, PRIMARY_MAC } from '../../support/instance.ts';
import { until } from '../../support/until.ts';

const ENI: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
/** Of `lo`. */
const NO_MAC = '00:00:00:00:00:00';

test('the primary ENI and the loopback link are never reported as attached (NET-34)', async () => {
  await using instance = await PlayedInstance.create('primary');
  using _ = instance.host.enter();
  expect(await instance.links()).toContain(PRIMARY_MAC);
  const reported: string[] = [];
  const attachments = await openAttachments({
    store: memoryStore(),
    api: { submitAttachment: async ({ attachmentArn }) => void reported.push(attachmentArn) },
    cluster: 'c',
    facts: { primaryMac: PRIMARY_MAC },
    logger: pino({ level: 'silent' }),
    knowsTask: () => true,
  });
  try {
    const expiresAt = Date.now() + 60_000;
    await attachments.accept(
      [PRIMARY_MAC, NO_MAC, ENI.mac].map((mac) => ({
        arn: `of ${mac}`,
        macAddress: mac,
        expiresAt,
        isReported: false,
      })),
    );
    // It is looked at after the others, and comes while they are awaited.
    await instance.plug(ENI);
    await until(() => reported.length > 0, { what: 'the ENI is reported' });
    expect(reported).toEqual([`of ${ENI.mac}`]);
    expect(attachments.awaited().map(({ macAddress }) => macAddress)).toEqual([PRIMARY_MAC, NO_MAC]);
  } finally {
    await attachments.stop();
  }
});
