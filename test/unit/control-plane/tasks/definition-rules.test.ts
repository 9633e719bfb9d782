import { describe, expect, test } from 'vitest';
import { checkDefinition, withDefaults } from '../../../../src/control-plane/tasks/definition-rules.ts';
import { definition } from '../records.ts';

const two = (first: object, second: object = {}) => ({
  containerDefinitions: [
    { name: 'a', image: 'i', memory: 4, ...first },
    { name: 'b', image: 'i', memory: 4, ...second },
  ],
});

describe('checkDefinition', () => {
  test.each<[string, object]>([
    ['used more than once', two({ name: 'b' })],
    ['must be essential', two({ essential: false }, { essential: false })],
    ["At least one of 'memory'", two({ memory: undefined })],
    ['greater than for the task', { ...two({ memory: 600 }), memory: '512' }],
    ["Invalid 'cpu'", { ...two({}), cpu: 'much' }],
    ["Invalid 'memory'", { ...two({}), memory: '0' }],
    ["Unknown volume 'v'", two({ mountPoints: [{ sourceVolume: 'v', containerPath: '/v' }] })],
    ["refers to 'c'", two({ dependsOn: [{ containerName: 'c', condition: 'START' }] })],
    ["refers to 'c'", two({ links: ['c:alias'] })],
    ["refers to 'a'", two({ volumesFrom: [{ sourceContainer: 'a' }] })],
    [
      'circular: a → b → a',
      two(
        { dependsOn: [{ containerName: 'b', condition: 'START' }] },
        { dependsOn: [{ containerName: 'a', condition: 'START' }] },
      ),
    ],
    ['must match', { ...two({ portMappings: [{ containerPort: 80, hostPort: 81 }] }), networkMode: 'host' }],
  ])('refuses: %s', (message, given) => {
    expect(() => checkDefinition(definition({ ...given }))).toThrow(message);
  });

  test('takes a definition with an order, a volume and task memory', () => {
    const given = {
      ...two({
        memory: undefined,
        mountPoints: [{ sourceVolume: 'v', containerPath: '/v' }],
        dependsOn: [{ containerName: 'b', condition: 'HEALTHY' }],
      }),
      volumes: [{ name: 'v' }],
      memory: '1 GB',
    };
    expect(() => checkDefinition(definition(given))).not.toThrow();
  });
});

test('withDefaults keeps what was given and fills in the rest', () => {
  const given = definition(
    { cpu: '.5 vCPU', memory: '1 GB', custom: { x: 1 } },
    { portMappings: [{ containerPort: 80 }] },
  );
  expect(withDefaults(given)).toEqual({
    family: 'web',
    cpu: '512',
    memory: '1024',
    custom: { x: 1 },
    volumes: [],
    placementConstraints: [],
    containerDefinitions: [
      {
        name: 'app',
        image: 'busybox',
        memory: 64,
        cpu: 0,
        essential: true,
        portMappings: [{ containerPort: 80, hostPort: 0, protocol: 'tcp' }],
        environment: [],
        mountPoints: [],
        volumesFrom: [],
        systemControls: [],
      },
    ],
  });
});
