/** Leaves its process id in shared memory and ends with 5 when it is told to. */
const APP = 'echo $$ > /dev/shm/app; trap "exit 5" TERM; while :; do sleep 0.05; done';
/** Ends with 6 when it is told to, if it has seen the other's process by the id that it left; else with 7. */
const SIDE = [
  'until test -s /dev/shm/app; do sleep 0.05; done',
  'seen=7; grep -q /dev/shm/app /proc/$(cat /dev/shm/app)/cmdline && seen=6',
  'touch /dev/shm/looked',
  'trap "exit $seen" TERM; while :; do sleep 0.05; done',
].join('\n');

/** A task whose containers share PIDs and IPC; the codes with which they end say whether they do. */
export function namespaceTask(image: string): Record<string, unknown> {
  const container = (name: string, script: string) => ({
    name,
    image,
    memory: 16,
    essential: name === 'app',
    command: ['sh', '-c', script],
  });
  return {
    family: 'namespaces',
    networkMode: 'host',
    pidMode: 'task',
    ipcMode: 'task',
    containerDefinitions: [container('app', APP), container('side', SIDE)],
  };
}

/** With what each container of such a task ends when it is stopped. */
export const NAMESPACE_TASK_CODES = { app: 5, side: 6 } as const;
