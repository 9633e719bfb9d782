/** Names and values of labels; both come from the source, never from callers. */
export type Labels = Readonly<Record<string, string>>;

/** What a metric is called and means. Names end in their unit (Prometheus naming). */
export interface MetricHead {
  readonly name: string;
  readonly help: string;
}

/** Something with lines of its own in an exposition. */
export interface Metric {
  render(): readonly string[];
}

/** A count that only grows. */
export class Counter implements Metric {
  readonly #head: MetricHead;
  readonly #values = new Map<string, number>();

  constructor(head: MetricHead) {
    this.#head = head;
  }

  add(labels: Labels, amount = 1): void {
    const key = labelText(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  render(): readonly string[] {
    return [
      ...headLines(this.#head, 'counter'),
      ...[...this.#values].map(([key, value]) => line(this.#head.name, key, value)),
    ];
  }
}

interface Series {
  /** Observations by the bucket that they fall into; the last is above all bounds. */
  readonly counts: number[];
  sum: number;
}

/** How often values fell below each of a few bounds. */
export class Histogram implements Metric {
  readonly #head: MetricHead;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  /** `bounds` ascend; one above them all is implied. */
  constructor(head: MetricHead, bounds: readonly number[]) {
    this.#head = head;
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const key = labelText(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { counts: new Array<number>(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const index = found < 0 ? this.#bounds.length : found;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sum += value;
  }

  render(): readonly string[] {
    const { name } = this.#head;
    const lines = [...headLines(this.#head, 'histogram')];
    for (const [key, { counts, sum }] of this.#series) {
      let total = 0;
      counts.forEach((count, index) => {
        total += count;
        const le = `le="${this.#bounds[index] ?? '+Inf'}"`;
        lines.push(line(`${name}_bucket`, key === '' ? le : `${key},${le}`, total));
      });
      lines.push(line(`${name}_sum`, key, sum), line(`${name}_count`, key, total));
    }
    return lines;
  }
}

/** Values as they are right now. */
export function gauge(head: MetricHead, values: readonly (readonly [Labels, number])[]): Metric {
  return {
    render: () => [
      ...headLines(head, 'gauge'),
      ...values.map(([labels, value]) => line(head.name, labelText(labels), value)),
    ],
  };
}

/** Content type of `expose`. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** All metrics in Prometheus' text form, version 0.0.4. */
export function expose(metrics: readonly Metric[]): string {
  return `${metrics.flatMap((metric) => metric.render()).join('\n')}\n`;
}

function headLines({ name, help }: MetricHead, type: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`;
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',');
}
