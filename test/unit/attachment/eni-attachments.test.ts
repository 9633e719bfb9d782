import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { EniAttachments } from '../../../src/attachment/eni-attachments.ts';
import { EcsApiError, type SubmitAttachmentRequest } from '../../../src/ecs/ecs-api.ts';
import { memoryStore } from '../../../src/store/memory-store.ts';
import type { EniAttachment } from '../../../src/task/eni-attachment.ts';
import { type TaskArn, taskArn } from '../../../src/task/ids.ts';
import { ManualClock, settle } from '../acs/manual-clock.ts';

const TASK = taskArn('arn:aws:ecs:us-west-2:123456789012:task/c/a1');
const MAC = '0e:00:00:00:00:06';

/** A keeper over a store that outlives it; devices come and ECS answers as a test says. */
class Scene {
  readonly clock = new ManualClock();
  readonly store = memoryStore();
  readonly devices = new Set<string>();
  readonly tasks = new Set<TaskArn>();
  readonly submitted: SubmitAttachmentRequest[] = [];
  failures: Error[] = [];
  keeper = this.#make();

  #make(): EniAttachments {
    return new EniAttachments({
      store: this.store,
      api: {
        submitAttachment: async (request) => {
          this.submitted.push(request);
          const failure = this.failures.shift();
          if (failure !== undefined) throw failure;
        },
      },
      cluster: 'c',
      hasDevice: (mac) => this.devices.has(mac),
      knowsTask: (arn) => this.tasks.has(arn),
      logger: pino({ level: 'silent' }),
      clock: this.clock,
      random: () => 0,
    });
  }

  attachment(changes: Partial<EniAttachment> = {}): EniAttachment {
    const expiresAt = this.clock.now() + 300_000;
    return { arn: 'arn:1', task: TASK, macAddress: MAC, expiresAt, isReported: false, ...changes };
  }

  async stored(): Promise<readonly EniAttachment[]> {
    return (await this.store.load()).attachments;
  }

  /** As after a kill: only the store is left. */
  async restart(): Promise<void> {
    await this.keeper.stop();
    this.keeper = this.#make();
    await this.keeper.start(await this.stored());
    await settle();
  }
}

describe('an attachment', () => {
  it('is told once its device is there, with nothing but what it is about (ACS-46, ECS-51, NET-29)', async () => {
    const scene = new Scene();
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(5_000);
    expect(scene.submitted).toEqual([]);
    scene.devices.add(MAC);
    await scene.clock.advance(100);
    expect(scene.submitted).toEqual([{ cluster: 'c', attachmentArn: 'arn:1', task: TASK }]);
    await scene.clock.advance(400_000);
    expect(scene.submitted).toHaveLength(1);
  });

  it('whose device was there before the message is told at once (NET-30)', async () => {
    const scene = new Scene();
    scene.devices.add(MAC);
    await scene.keeper.accept([scene.attachment()]);
    await settle();
    expect(scene.submitted).toHaveLength(1);
  });

  it('that is announced again is not told again, nor waited for longer (ACS-87, NET-31)', async () => {
    const scene = new Scene();
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(1_000);
    await scene.keeper.accept([scene.attachment()]);
    expect((await scene.stored())[0]?.expiresAt).toBe(scene.clock.now() + 299_000);
    scene.devices.add(MAC);
    await scene.clock.advance(100);
    await scene.keeper.accept([scene.attachment()]);
    await scene.restart();
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(1_000);
    expect(scene.submitted).toHaveLength(1);
  });

  it('whose device does not come in time is forgotten and never told (ACS-47, ACS-86, NET-32)', async () => {
    const scene = new Scene();
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(300_100);
    expect(await scene.stored()).toEqual([]);
    scene.devices.add(MAC);
    await scene.clock.advance(10_000);
    await scene.restart();
    expect(scene.submitted).toEqual([]);
    expect(scene.clock.pending).toBe(0);
  });

  it('expires by itself, whatever others do (NET-83)', async () => {
    const scene = new Scene();
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(200_000);
    const other = scene.attachment({ arn: 'arn:2', macAddress: '0e:00:00:00:00:07' });
    await scene.keeper.accept([other]);
    await scene.clock.advance(100_100);
    expect(await scene.stored()).toEqual([other]);
    scene.devices.add('0e:00:00:00:00:07');
    await scene.clock.advance(100);
    expect(scene.submitted.map(({ attachmentArn }) => attachmentArn)).toEqual(['arn:2']);
  });

  it('is waited for on after a restart until the same moment (NET-33)', async () => {
    const scene = new Scene();
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(299_000);
    await scene.restart();
    expect(await scene.stored()).toHaveLength(1);
    await scene.clock.advance(1_100);
    expect(await scene.stored()).toEqual([]);
  });

  it('that expired while the agent was away is deleted at its start (NET-84)', async () => {
    const scene = new Scene();
    await scene.keeper.accept([scene.attachment()]);
    await scene.keeper.stop();
    await scene.clock.advance(300_001);
    scene.devices.add(MAC);
    await scene.restart();
    expect(await scene.stored()).toEqual([]);
    expect(scene.submitted).toEqual([]);
  });

  it('is told again until ECS takes it, also after a restart', async () => {
    const scene = new Scene();
    scene.failures = [new EcsApiError('ServerException', 'busy', 500), new Error('cut')];
    scene.devices.add(MAC);
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(999);
    expect(scene.submitted).toHaveLength(1);
    await scene.restart();
    expect(scene.submitted).toHaveLength(2);
    await scene.clock.advance(1_000);
    expect(scene.submitted).toHaveLength(3);
    await scene.clock.advance(60_000);
    expect(scene.submitted).toHaveLength(3);
  });

  it('that ECS refuses for good, or that expires meanwhile, is not told again', async () => {
    const scene = new Scene();
    scene.devices.add(MAC);
    scene.failures = [new EcsApiError('InvalidParameterException', 'not found', 400)];
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(60_000);
    expect(scene.submitted).toHaveLength(1);
    scene.failures = Array.from({ length: 99 }, () => new EcsApiError('ServerException', 'busy', 500));
    await scene.keeper.accept([scene.attachment({ arn: 'arn:2', expiresAt: scene.clock.now() + 2_000 })]);
    await scene.clock.advance(2_500);
    const told = scene.submitted.length;
    await scene.clock.advance(60_000);
    expect(scene.submitted).toHaveLength(told);
    expect((await scene.stored()).map(({ arn }) => arn)).toEqual(['arn:1']);
  });

  it('is kept while its task is known and forgotten with it, which nobody is told (ECS-53)', async () => {
    const scene = new Scene();
    scene.devices.add(MAC);
    scene.tasks.add(TASK);
    await scene.keeper.accept([scene.attachment()]);
    await scene.clock.advance(400_000);
    await scene.restart();
    expect(await scene.stored()).toHaveLength(1);
    await scene.keeper.taskGone(TASK);
    expect(await scene.stored()).toEqual([]);
    await scene.clock.advance(60_000);
    expect(scene.submitted).toHaveLength(1);
  });

  it('of the instance itself is told without a task', async () => {
    const scene = new Scene();
    scene.devices.add(MAC);
    const { task: _, ...ofInstance } = scene.attachment();
    await scene.keeper.accept([ofInstance]);
    await settle();
    expect(scene.submitted).toEqual([{ cluster: 'c', attachmentArn: 'arn:1' }]);
  });
});
