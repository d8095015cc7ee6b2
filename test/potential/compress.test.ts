/** Files with tables of our own: the same numbers as tables made at load, to the last bit; the nets beside them are untouched. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crystal } from '../../lib/builders/crystal.js';
import { compressModel } from '../../lib/potential/compress.js';
import { loadPotential } from '../../lib/potential/load.js';
import { readModel } from '../../lib/potential/model-file.js';
import { ionclay } from '../cli/console.js';
import { writeGraph } from '../oracle/graph-writer';
import { type NativeKind, nativeHdf5, nativeModel } from '../oracle/native-trees';
import { randomModel } from '../oracle/random-model';

const MODEL = 'li-y-cl-br';
const folder = mkdtempSync(join(tmpdir(), 'ionclay-compress-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

/** Equal text for equal content, bit by bit; comparing hundreds of thousands of numbers one by one takes seconds. */
function digest(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (!ArrayBuffer.isView(part)) {
      const plain = typeof part === 'object' && part !== null && !Array.isArray(part);
      return plain ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part;
    }
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    return `${part.constructor.name} ${createHash('sha256').update(bytes).digest('hex')}`;
  });
  return createHash('sha256').update(text).digest('hex');
}

async function forces(model: string, options: Parameters<typeof loadPotential>[1]) {
  const structure = await crystal({ name: 'LiCl', supercell: [2, 2, 2] });
  structure.positions.forEach((x, k) => {
    structure.positions[k] = x + 0.1 * Math.sin(5 * k);
  });
  const { warnings, ...result } = await (await loadPotential(model, { threads: 1, ...options })).evaluate(structure);
  return result;
}

describe('a bundled model', () => {
  beforeAll(() => compressModel(MODEL, at('double.dp')));

  test('the file holds the nets as they were, and tables with their error', async () => {
    const [source, written] = [await readModel(MODEL), await readModel(at('double.dp'))];
    const { format: _, version: __, storedTables, ...rest } = written.parameters;
    const { format: ___, version: ____, storedTables: none, ...original } = source.parameters;
    expect(digest(rest)).toBe(digest(original));
    expect(none).toBeNull();
    expect(storedTables!.tables.length).toBeGreaterThan(0);
    // What is asked of tables for double precision, with room for what lies between the points where it is measured.
    for (const { valueError, slopeError } of storedTables!.tables) {
      expect(valueError).toBeLessThan(1e-6);
      expect(slopeError).toBeLessThan(1e-6);
    }
    expect(await forces(at('double.dp'), { compression: 'none' })).toEqual(await forces(MODEL, { compression: 'none' }));
  });

  test('tables of the file are those made at load, for their precision; for another they are made anew', async () => {
    for (const precision of ['double', 'mixed'] as const) {
      const options = { precision, compression: 'auto' } as const;
      expect(await forces(at('double.dp'), options)).toEqual(await forces(MODEL, options));
    }
    const loaded = await loadPotential(at('double.dp'), { compression: 'auto' });
    expect(loaded.storedTables).not.toBeNull();
    expect((await loadPotential(at('double.dp'), { compression: 'auto', precision: 'mixed' })).storedTables).toBeNull();
    expect((await loadPotential(at('double.dp'))).storedTables).toBeNull();
  });

  test('compressed again it is the same', async () => {
    await compressModel(at('double.dp'), at('twice.dp'));
    expect(digest((await readModel(at('twice.dp'))).parameters)).toBe(digest((await readModel(at('double.dp'))).parameters));
  });
});

test('the command', async () => {
  const { status, stdout } = await ionclay(['model', 'compress', MODEL, '-o', at('mixed.dp'), '--precision', 'mixed', '--json']);
  expect(status).toBe(0);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({
    file: at('mixed.dp'),
    bytes: statSync(at('mixed.dp')).size,
    source: { name: MODEL },
    tables: { precision: 'mixed', current: true },
  });
  expect(document.tables.tables).toBeLessThanOrEqual(document.nets);
  const info = JSON.parse((await ionclay(['model', 'info', at('mixed.dp'), '--json'])).stdout);
  expect(info.stored_tables).toEqual(document.tables);
  expect((await ionclay(['model', 'info', at('mixed.dp')])).stdout).toMatch(/stored tables +\d+ for mixed precision.*error of G/);
  expect((await ionclay(['model', 'info', MODEL])).stdout).toMatch(/stored tables +none/);
});

test('what is said of hybrids, pair tables and nets that take types', async () => {
  const info = async (kind: NativeKind) => {
    writeFileSync(at('kind.dp'), nativeHdf5(nativeModel(kind)));
    return (await ionclay(['model', 'info', at('kind.dp')])).stdout;
  };
  const parts = await info('hybrid');
  expect(parts).toMatch(/descriptor +hybrid of \d: /);
  // Every part with its own cutoff and nets; a radial descriptor has no axis to speak of.
  expect(parts).toMatch(/ 1\. cutoff .*[\s\S]* 2\. cutoff .* A, smooth from/);
  expect(parts).not.toMatch(/axis 0/);
  expect(await info('zbl')).toMatch(/one net for all types, which takes the type of [\s\S]*pair table +from .* A; alone where/);
});

test('a model without a native form is named, with what to do', async () => {
  const p = randomModel(1, 'pair table, graph');
  writeFileSync(at('graph.pb'), writeGraph(p));
  await expect(compressModel(at('graph.pb'), at('none.dp'))).rejects.toMatchObject({
    code: 'MODEL_NOT_EXPRESSIBLE',
    message: expect.stringMatching(/graph\.pb: .*pair table/),
    hint: expect.stringContaining('compression: auto'),
  });
});

test('what is missing or in the way is refused', async () => {
  const failure = async (...args: string[]) => {
    const { status, stdout } = await ionclay(['model', 'compress', ...args, '--json']);
    expect(status).toBe(2);
    return JSON.parse(stdout).error;
  };
  expect(await failure(MODEL)).toMatchObject({ code: 'BAD_ARGUMENTS', key: '--output' });
  expect(await failure(MODEL, '-o', at('x.pb'))).toMatchObject({ code: 'BAD_ARGUMENTS' });
  expect(await failure(MODEL, '-o', at('mixed.dp'))).toMatchObject({ code: 'FILE_EXISTS', file: at('mixed.dp') });
  expect(await failure(MODEL, '-o', join(folder, 'no', 'x.dp'))).toMatchObject({ code: 'E_FILE_NOT_WRITABLE' });
});
