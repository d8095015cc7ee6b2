/** The checkpoint file: what goes in comes out, and no damage goes unseen (dynamics.md 14, 19 H3, H4). */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCheckpoint, encodeCheckpoint, readCheckpoint, writeCheckpoint } from '../../lib/dynamics/checkpoint.js';
import { crc32c } from '../../lib/dynamics/crc32c.js';
import { nve } from '../../lib/dynamics/ensembles.js';
import { Simulation } from '../../lib/dynamics/simulation.js';
import { nativePotential, rockSalt, simulate } from './systems.js';

const folder = mkdtempSync(join(tmpdir(), 'ionclay-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

const sections = {
  positions: Float64Array.of(1 / 3, -0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324),
  images: Int32Array.of(-3, 2 ** 31 - 1),
  bytes: Uint8Array.of(0, 255),
  words: Uint32Array.of(2 ** 32 - 1),
  empty: new Float64Array(0),
  'namé with blanks': { a: [1, -0, Number.NaN, -Infinity, 0.1 + 0.2], text: 'é', none: null, nested: { yes: true } },
  number: -0,
  text: 'x',
  none: null,
};

test('CRC32C: the check value, and every length modulo eight', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  // 32 zero bytes: RFC 3720 B.4.
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, k) => k)))).toBe(0x46dd794e);
});

test('every value comes back bit for bit', () => {
  const back = decodeCheckpoint(encodeCheckpoint(sections), 'memory');
  expect(back).toEqual(sections);
  expect(Object.is(back.number, -0)).toBe(true);
  expect(Object.is((back['namé with blanks'] as { a: number[] }).a[1], -0)).toBe(true);
  expect(Buffer.from((back.positions as Float64Array).buffer)).toEqual(Buffer.from(sections.positions.buffer));
});

test('what JSON would lose is refused', () => {
  expect(() => encodeCheckpoint({ a: { inner: new Float64Array(2) } })).toThrow(
    expect.objectContaining({ code: 'CHECKPOINT_SECTION', key: 'a' }),
  );
  expect(() => encodeCheckpoint({ a: { inner: 5n } })).toThrow(expect.objectContaining({ code: 'CHECKPOINT_SECTION' }));
});

test('any flipped byte and any shortening is seen', () => {
  const whole = encodeCheckpoint(sections);
  const codes = new Set<string>();
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 0x10;
    try {
      // Padding between sections is the one place where a flip may do no harm.
      expect(decodeCheckpoint(bytes, 'f')).toEqual(sections);
    } catch (error) {
      codes.add((error as { code: string }).code);
    }
  }
  for (let length = 0; length < whole.length - 8; length += 3) {
    expect(() => decodeCheckpoint(whole.subarray(0, length), 'f')).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^CHECKPOINT_/) }),
    );
  }
  expect([...codes].every((code) => /^CHECKPOINT_(NOT_ONE|VERSION|CORRUPT|TRUNCATED)$/.test(code))).toBe(true);
});

describe('files', () => {
  test('a damaged file falls back to the one before and says so', async () => {
    const path = file('a.ionclay');
    await writeCheckpoint(path, { step: 1 });
    await writeCheckpoint(path, { step: 2 });
    expect((await readCheckpoint(path)).sections).toEqual({ step: 2 });
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 9));
    const { sections: found, source, warning } = await readCheckpoint(path);
    expect(found).toEqual({ step: 1 });
    expect(source).toBe(`${path}.prev`);
    expect(warning).toContain('a.ionclay');
    // The damaged file must not push the whole one away: only after the next write is it replaced.
    await writeCheckpoint(path, { step: 3 });
    expect((await readCheckpoint(path)).sections).toEqual({ step: 3 });
    expect((await readCheckpoint(`${path}.prev`)).sections).toEqual({ step: 1 });
    rmSync(path);
    expect((await readCheckpoint(path)).sections).toEqual({ step: 1 });
    expect(readdirSync(folder).filter((name) => name.includes('.tmp.'))).toEqual([]);
  });

  test('errors name the file', async () => {
    await expect(readCheckpoint(file('none'))).rejects.toMatchObject({ code: 'CHECKPOINT_MISSING', file: file('none') });
    writeFileSync(file('text'), 'This is not a checkpoint at all, but long enough.');
    await expect(readCheckpoint(file('text'))).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_ONE' });
    const bytes = encodeCheckpoint({ step: 1 });
    bytes.writeUInt32LE(99, 8);
    writeFileSync(file('version'), bytes);
    await expect(readCheckpoint(file('version'))).rejects.toMatchObject({ code: 'CHECKPOINT_VERSION' });
    await expect(writeCheckpoint(join(folder, 'nowhere', 'x'), { step: 1 })).rejects.toMatchObject({ code: 'CHECKPOINT_WRITE' });
    const damaged = encodeCheckpoint({ step: 1 });
    damaged[damaged.length - 8]! ^= 1;
    writeFileSync(file('both'), damaged);
    writeFileSync(`${file('both')}.prev`, damaged);
    await expect(readCheckpoint(file('both'))).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  });

  test('kill -9 at any moment of writing leaves a whole file (H3)', async () => {
    // A process that does nothing but the moves of writeCheckpoint with a valid file; bytes come from here.
    const path = file('killed.ionclay');
    await writeCheckpoint(path, { step: 0, data: new Float64Array(50_000) });
    const content = file('content');
    writeFileSync(content, readFileSync(path));
    const script = `
      const { openSync, writeSync, fsyncSync, closeSync, renameSync, readFileSync } = require('fs');
      const bytes = readFileSync(${JSON.stringify(content)});
      process.stdout.write('go');
      for (;;) {
        const tmp = ${JSON.stringify(path)} + '.tmp.' + process.pid;
        const fd = openSync(tmp, 'w');
        for (let at = 0; at < bytes.length; at += 65536) writeSync(fd, bytes, at, Math.min(65536, bytes.length - at));
        fsyncSync(fd); closeSync(fd);
        renameSync(${JSON.stringify(path)}, ${JSON.stringify(`${path}.prev`)}); renameSync(tmp, ${JSON.stringify(path)});
      }`;
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, 3 + 7 * round));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      expect((await readCheckpoint(path)).sections.step).toBe(0);
      // Going on clears what dead writers left behind, and works where the file itself was just renamed away.
      await writeCheckpoint(path, { step: 0, data: new Float64Array(50_000) });
      expect(readdirSync(folder).filter((name) => name.startsWith('killed.ionclay.tmp.'))).toEqual([]);
      expect(existsSync(path)).toBe(true);
    }
  });
});

test('another potential, a missing section, a foreign integrator: clear errors (H4)', async () => {
  const simulation = simulate(rockSalt(1), nve(), { velocities: 'zero' });
  await simulation.run({ steps: 2 });
  const saved = simulation.save();
  expect(() => Simulation.restore(saved, { potential: nativePotential('lj-ar') })).toThrow(
    expect.objectContaining({ code: 'CHECKPOINT_OTHER_POTENTIAL' }),
  );
  const { 'simulation.forces': _, ...incomplete } = saved;
  const potential = nativePotential('bm-licl');
  expect(() => Simulation.restore(incomplete, { potential })).toThrow(expect.objectContaining({ code: 'CHECKPOINT_INCOMPLETE' }));
  const foreign = { ...saved, simulation: { ...(saved.simulation as object), ensemble: { custom: 'mine' } } };
  expect(() => Simulation.restore(foreign, { potential })).toThrow(expect.objectContaining({ code: 'CHECKPOINT_INTEGRATOR' }));
  const elsewhere = {
    ...(saved.simulation as { potential: object }),
    potential: { ...(saved.simulation as { potential: object }).potential, isa: 'other' },
  };
  const restored = Simulation.restore({ ...saved, simulation: elsewhere }, { potential });
  expect(restored.warnings()).toEqual([expect.objectContaining({ code: 'CHECKPOINT_OTHER_ISA' })]);
  await Promise.all([simulation.close(), restored.close()]);
});
