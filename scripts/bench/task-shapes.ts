/** The image of all contenders, by its whole name, so that no runtime has to guess a registry. */
export const IMAGE = 'docker.io/library/bench:1';

/** What it runs: ends at once when it is told to. */
export const OBEDIENT = ['sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'] as const;

/** A task as ACS names it, without what tells it from others. */
export interface TaskShape {
  readonly networkMode: 'host' | 'bridge';
  readonly containers: readonly object[];
  readonly volumes?: readonly object[];
}

const CONTAINER = {
  name: 'app',
  image: IMAGE,
  essential: true,
  cpu: 0,
  memory: 16,
  // Under load a shell may be told to end before it has got as far as its trap.
  stopTimeout: 2,
};

/** One container on the network of the host. */
export function oneContainer(image = IMAGE): TaskShape {
  return { networkMode: 'host', containers: [{ ...CONTAINER, image }] };
}

/** One container with a network of its own and a published port. */
export function publishedPort(): TaskShape {
  const portMappings = [{ containerPort: 80, hostPort: 0, protocol: 'tcp' }];
  return { networkMode: 'bridge', containers: [{ ...CONTAINER, portMappings }] };
}

/**
 * A container that starts when another has ended: `first` touches the file of that name in `directory` as the last
 * thing it does, `app` touches `app` as its first.
 */
export function dependant(directory: string): TaskShape {
  const mounted = { mountPoints: [{ sourceVolume: 'marks', containerPath: '/marks' }] };
  return {
    networkMode: 'host',
    volumes: [{ name: 'marks', host: { sourcePath: directory } }],
    containers: [
      {
        ...CONTAINER,
        ...mounted,
        name: 'first',
        essential: false,
        command: ['sh', '-c', 'touch /marks/first'],
      },
      {
        ...CONTAINER,
        ...mounted,
        dependsOn: [{ containerName: 'first', condition: 'SUCCESS' }],
        command: ['sh', '-c', `touch /marks/app; ${OBEDIENT[2]}`],
      },
    ],
  };
}
