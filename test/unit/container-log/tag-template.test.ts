import { describe, expect, test } from 'vitest';
import { renderTag } from '../../../src/container-log/tag-template.ts';

const ID = '0123456789ab'.padEnd(64, 'f');
const FIELDS = {
  ID: ID.slice(0, 12),
  FullID: ID,
  Name: 'ecs-web-3-app-00ff',
  ImageName: 'registry.example.com/web:1',
  ContainerLabels: { 'com.example.team': 'blue', x: 'y' },
  ContainerEnv: ['A=1', 'B=2'],
  Hostname: 'host-1',
};

describe('tag templates', () => {
  test.each([
    ['plain', 'plain'],
    ['{{.ID}}', ID.slice(0, 12)],
    ['{{ .FullID }}', ID],
    ['{{.Name}}', 'ecs-web-3-app-00ff'],
    ['{{.ImageName}}/{{.Name}}', 'registry.example.com/web:1/ecs-web-3-app-00ff'],
    ['{{index .ContainerLabels "com.example.team"}}', 'blue'],
    ['{{index .ContainerLabels "missing"}}', ''],
    ['{{.ContainerLabels.x}}', 'y'],
    ['{{index .ContainerEnv 1}}', 'B=2'],
    ['{{.ContainerLabels}}', 'map[com.example.team:blue x:y]'],
    ['{{.ContainerEnv}}', '[A=1 B=2]'],
    ['{{upper .Hostname}}', 'HOST-1'],
    ['{{.Hostname | upper | lower}}', 'host-1'],
    ['{{title "hello big world"}}', 'Hello Big World'],
    ['{{json .ContainerEnv}}', '["A=1","B=2"]'],
    ['{{join (split .Name "-") "."}}', 'ecs.web.3.app.00ff'],
    ['{{index (split .Name "-") 1}}', 'web'],
    ['{{truncate .FullID 4}}', '0123'],
    ['[{{pad .ID 1 2}}]', `[ ${ID.slice(0, 12)}  ]`],
    ['{{print .ID "-" .Hostname}}', `${ID.slice(0, 12)}-host-1`],
    ['{{println .ID}}', `${ID.slice(0, 12)}\n`],
    ['{{"}}"}}{{`raw`}}', '}}raw'],
    ['a {{- /* note */ -}} b', 'ab'],
    ['a  {{- .Hostname -}}  b', 'ahost-1b'],
  ])('%s gives %j (LOG-36)', (template, expected) => {
    expect(renderTag(template, FIELDS)).toBe(expected);
  });

  test.each([
    '{{.Nope}}',
    '{{.ID',
    '{{}}',
    '{{if .ID}}x{{end}}',
    '{{printf "%s" .ID}}',
    '{{.ID .Name}}',
    '{{index .ContainerEnv 9}}',
    '{{index .ID 1}}',
    '{{(.ID}}',
    '{{.ID)}}',
    '{{$x := 1}}',
    '{{.Name.First}}',
    '{{upper}}',
    '{{truncate .ID "4"}}',
  ])('%s is refused by name, not rendered wrong (LOG-110)', (template) => {
    expect(() => renderTag(template, FIELDS)).toThrow(`tag ${JSON.stringify(template)} is not understood`);
  });
});
