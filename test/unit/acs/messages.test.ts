import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ACS_MESSAGES } from '../../../src/acs/messages.ts';

describe('the table of ACS messages', () => {
  it('says the same in code and in docs/acs-messages.md', () => {
    const doc = readFileSync(new URL('../../../docs/acs-messages.md', import.meta.url), 'utf8');
    const rows = [...doc.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, type, answer]) => [type, answer]);
    expect(rows).toEqual(Object.entries(ACS_MESSAGES).map(([type, { answer }]) => [type, answer]));
  });

  it('names every message of the specification', () => {
    const spec = readFileSync(new URL('../../../docs/spec/acs.md', import.meta.url), 'utf8');
    const section = spec.slice(spec.indexOf('## 8. Message list'), spec.indexOf('Names that appear only'));
    const named = [...section.matchAll(/`([A-Z]\w+)`/g)].map(([, name]) => name);
    const unknown = named.filter((name) => name !== undefined && !Object.hasOwn(ACS_MESSAGES, name));
    expect(
      unknown.filter(
        (name) => !['SubmitTaskStateChange', 'SubmitAttachmentStateChanges'].includes(name ?? ''),
      ),
    ).toEqual([]);
  });
});
