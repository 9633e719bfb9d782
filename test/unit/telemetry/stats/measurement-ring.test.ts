import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Measurement, MeasurementRing } from '../../../../src/telemetry/stats/measurement-ring.ts';

const number = fc.nat();
const counters = fc.record({
  rxBytes: number,
  rxPackets: number,
  rxErrors: number,
  rxDropped: number,
  txBytes: number,
  txPackets: number,
  txErrors: number,
  txDropped: number,
});
const rates = fc.record({ rxBytesPerSecond: number, txBytesPerSecond: number });
const measurement: fc.Arbitrary<Measurement> = fc
  .tuple(
    fc.record({ clock: number, memory: number, read: number, written: number }),
    fc.record({ cpuPercent: fc.double({ noNaN: true }) }, { requiredKeys: [] }),
    fc.oneof(fc.constant({}), fc.record({ network: counters, rates }, { requiredKeys: ['network'] })),
  )
  .map(([always, cpu, network]) => ({ ...always, ...cpu, ...network }));

it('gives the newest measurements as they were, whatever they have', () => {
  fc.assert(
    fc.property(fc.array(measurement, { maxLength: 12 }), fc.nat({ max: 8 }), (all, count) => {
      const ring = new MeasurementRing(5);
      for (const one of all) ring.push(one);
      const kept = all.slice(-5);
      expect(ring.length).toBe(kept.length);
      expect(ring.newest(count)).toEqual(count === 0 ? [] : kept.slice(-count));
    }),
  );
});
