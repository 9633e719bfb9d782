import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from '../schema.ts';

const processSchema = z.object({ name: z.string(), pid: z.number(), startTicks: z.string() });

const stackSchema = z.object({
  version: z.literal(1),
  region: z.string(),
  cluster: z.string(),
  controlPlaneUrl: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  containerdAddress: z.string(),
  containerdNamespace: z.string(),
  dataDir: z.string(),
  runDir: z.string(),
  /** In the order they were started. */
  processes: z.array(processSchema),
});

/** What `ecs-local up` left running, as its other commands find it. */
export type StackRecord = z.infer<typeof stackSchema>;

/** Places inside the directory of one local stack. */
export class StackFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  logFile(process: string): string {
    return this.path(`${process}.log`);
  }

  /** Undefined when nothing was started here. */
  read(): StackRecord | undefined {
    const file = this.path('stack.json');
    return existsSync(file) ? stackSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  }

  write(record: StackRecord): void {
    const file = this.path('stack.json');
    writeFileSync(`${file}.new`, JSON.stringify(record, undefined, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  forget(): void {
    rmSync(this.path('stack.json'), { force: true });
  }
}
