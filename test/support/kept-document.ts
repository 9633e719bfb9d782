import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Throws unless a document under docs/ has exactly this text. With ECS_UPDATE_DOCS=1 the text is written instead:
 * that is how a document made from the source is brought up to date.
 */
export function expectDocument(name: string, text: string): void {
  const file = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  if (process.env.ECS_UPDATE_DOCS === '1') {
    writeFileSync(file, text);
    return;
  }
  const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (present === text) return;
  const [was, is] = [present.split('\n'), text.split('\n')];
  const line = is.findIndex((one, index) => one !== was[index]);
  const at = line === -1 ? is.length : line;
  throw new Error(
    `${relative(process.cwd(), file)} is out of date from line ${at + 1}:\n  has:    ${was[at] ?? ''}\n  should: ` +
      `${is[at] ?? ''}\nECS_UPDATE_DOCS=1 npm test -- <this test's file> writes it anew`,
  );
}

/** A Markdown table; bars in cells are escaped. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
