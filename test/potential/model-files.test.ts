/** Model files against numbers of an independent program: readers and oracle together. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseActivation } from '../../lib/potential/activation';
import { bundledModels } from '../../lib/potential/bundled';
import type { DeepPotentialParameters } from '../../lib/potential/deep-potential-parameters';
import { parseModel, readModel } from '../../lib/potential/model-file';
import { modelSummary } from '../../lib/potential/summary';
import { evaluateOracle, pairEnergy, softminSwitch, switching } from '../oracle/deep-potential';
import { neighboursOf } from '../oracle/neighbours';
import { activate, embed, lookUp } from '../oracle/networks';
import { describeReference, referenceJson, referencePath } from '../reference';
import { referenceModels } from '../reference-models';

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let out = 0;
  for (let k = 0; k < a.length; k++) out = Math.max(out, Math.abs(a[k]! - b[k]!));
  return out;
}

function model(path: string): DeepPotentialParameters {
  return parseModel(readFileSync(referencePath('deep-potential', path)), path);
}

describe('bundled models', () => {
  interface Frame {
    types: number[];
    cell: number[];
    positions: number[];
    energy: number;
    forces: number[] | number[][];
    virial: number[] | number[][];
    atom_energies: number[];
  }
  // The smallest frame of each: the oracle needs seconds for 100 atoms.
  test.each(['mg-ga-f-cl', 'li-ga-f-cl', 'li-y-cl-br'])(
    '%s gives the energies, forces and virial of DeePMD-kit',
    async (name) => {
      const { parameters } = await readModel(name);
      const reference = JSON.parse(readFileSync(join(__dirname, '..', 'data', 'models', `${name}.json`), 'utf8')) as {
        type_map: string[];
        frames: Frame[];
      };
      expect(parameters.typeNames).toEqual(reference.type_map);
      const frame = reference.frames.reduce((a, b) => (b.types.length < a.types.length ? b : a));
      const result = evaluateOracle(parameters, frame.types, frame.positions, frame.cell);
      // Both sum in double precision: 1e-12 of hundreds of eV is rounding; measured 1e-13 eV, 4e-14 eV/A, 3e-13 eV.
      expect(Math.abs(result.energy / frame.energy - 1)).toBeLessThan(1e-12);
      expect(largest(result.forces, frame.forces.flat())).toBeLessThan(1e-10);
      expect(largest(result.virial, frame.virial.flat())).toBeLessThan(1e-10);
      expect(largest(result.atomEnergies, frame.atom_energies)).toBeLessThan(1e-10);
    },
  );

  test('the index agrees with the files', async () => {
    expect(bundledModels().map((entry) => entry.name)).toEqual(['mg-ga-f-cl', 'li-ga-f-cl', 'li-y-cl-br']);
    for (const entry of bundledModels()) {
      const file = await readModel(entry.name);
      expect(file.sha256).toBe(entry.sha256);
      expect(file.name).toBe(entry.name);
      expect(file.parameters.typeNames).toEqual(entry.species);
      // A path to the same bytes is the same model.
      expect((await readModel(entry.path)).name).toBe(entry.name);
    }
  });

  test('the summary states sizes, slots and errors', async () => {
    const summary = modelSummary(await readModel('li-y-cl-br'));
    expect(summary).toMatchObject({
      name: 'li-y-cl-br',
      format: 'pb',
      descriptor: 'se_e2_a',
      type_one_side: true,
      cutoff_A: 7,
      cutoff_smooth_A: 1,
      species: ['Li', 'Y', 'Cl', 'Br'],
      sel: [64, 22, 74, 70],
      axis_neuron: 8,
      embedding: { layers: [16, 32, 64], activation: 'tanh', nets: 4, timestep: false },
      fitting: { type: 'ener', layers: [120, 120, 120, 1], activation: 'tanh', nets: 4, timestep: true },
      precision: 'float64',
      compressed: false,
      table: null,
    });
    // 4 embedding nets of 16+16 + 16*32+32 + 32*64+64, 4 fitting nets of 512*120+120 + 2(120*120+240) + 121.
    expect(summary.parameters).toBe(4 * (32 + 544 + 2112) + 4 * (61560 + 2 * 14640 + 121));
    expect(summary.sel_meaning).toMatch(/Li 64, Y 22, Cl 74, Br 70.*\(grow\)/);
    expect(summary.training_errors).toMatchObject({ force_eV_per_A: 0.065 });
  });

  test('a name that is nearly right is answered with the right one', async () => {
    await expect(readModel('li-y-cl-b')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND', hint: 'did you mean "li-y-cl-br"?' });
    await expect(readModel('no/such/file.pb')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND', file: 'no/such/file.pb' });
    await expect(readModel(join(__dirname))).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });
});

describeReference('model files of other programs', () => {
  const evaluated = referenceModels();
  interface Frame {
    label: string;
    types: number[];
    coord: number[][];
    cell: number[][] | null;
    fparam?: number[] | null;
    aparam?: number[] | number[][] | null;
    energy: number;
    atom_energy?: number[];
    force: number[][];
    virial: number[][];
    atom_virial?: number[][];
    descriptor?: number[][];
    tolerance: { energy_rel: number; atom_energy_abs: number; force_abs: number; virial_abs: number };
  }

  test.each(evaluated)('%s', (name) => {
    const data = referenceJson<{ model: string; type_map: string[]; frames: Frame[] }>('deep-potential', 'cases', `${name}.json`);
    const parameters = model(data.model);
    expect(parameters.typeNames).toEqual(data.type_map);
    for (const frame of data.frames) {
      const result = evaluateOracle(parameters, frame.types, frame.coord.flat(), frame.cell?.flat() ?? null, {
        frameParameters: frame.fparam ?? undefined,
        atomParameters: frame.aparam?.flat() ?? undefined,
      });
      // Tolerances are those of the reference.
      const { energy_rel, atom_energy_abs, force_abs, virial_abs } = frame.tolerance;
      expect(Math.abs(result.energy / frame.energy - 1)).toBeLessThan(energy_rel);
      if (frame.atom_energy) expect(largest(result.atomEnergies, frame.atom_energy)).toBeLessThan(atom_energy_abs);
      expect(largest(result.forces, frame.force.flat())).toBeLessThan(force_abs);
      expect(largest(result.virial, frame.virial.flat())).toBeLessThan(virial_abs);
      if (frame.atom_virial) expect(largest(result.atomVirial, frame.atom_virial.flat())).toBeLessThan(virial_abs);
      // Descriptors are printed with 15 digits or more.
      if (frame.descriptor)
        expect(
          largest(
            result.descriptors.flatMap((d) => [...d]),
            frame.descriptor.flat(),
          ),
        ).toBeLessThan(1e-12);
    }
  });

  const components = () => referenceJson('deep-potential', 'cases', 'components.json');

  test('activation functions and their slopes', () => {
    for (const [name, { x, f, df }] of Object.entries<{ x: number[]; f: number[]; df: number[] }>(components().activations)) {
      const activation = parseActivation(name, 'test');
      for (const [k, value] of x.entries()) {
        const [y, slope] = activate(activation, value);
        expect(Math.abs(y - f[k]!)).toBeLessThan(1e-12);
        expect(Math.abs(slope - df[k]!)).toBeLessThan(1e-12);
      }
    }
  });

  test('the switch with and without the float32 rule', () => {
    for (const { rcut, rcut_smth, float32_rule, r, w, dw } of components().switch) {
      const round = float32_rule ? Math.fround : (v: number) => v;
      const [rc, rs] = [round(rcut), round(rcut_smth)];
      for (const [k, distance] of r.entries()) {
        const [value, slope] = switching(distance, rs, rc, round(rc - rs));
        expect(Math.abs(value - w[k])).toBeLessThan(1e-12);
        expect(Math.abs(slope - dw[k])).toBeLessThan(1e-12);
      }
    }
  });

  test('rows of the environment matrix, empty slots included', () => {
    const { model: path, case: label, centre, neighbour, rij, normalised_row } = components().environment;
    const [file, , frameLabel] = label.split(' ');
    const p = model(path);
    const d = p.descriptors[0]!;
    const frame = referenceJson<{ frames: Frame[] }>('deep-potential', 'cases', `${file}.json`).frames.find(
      (f) => f.label === frameLabel,
    )!;
    const list = neighboursOf(frame.coord.flat(), frame.types, frame.cell!.flat(), p.cutoff, centre);
    const ti = frame.types[centre]!;
    for (const [k, j] of neighbour.entries()) {
      const nb = list.find((n) => n.j === j && largest(n.d, rij[k]) < 1e-9);
      if (j >= 0) expect(nb).toBeDefined();
      const [w] = nb ? switching(nb.r, d.cutoffSmooth, d.cutoff, d.switchWidth) : [0];
      const raw = nb ? [w / nb.r, ...nb.d.map((x) => (w * x) / nb.r ** 2)] : [0, 0, 0, 0];
      const row = raw.map((x, c) => (x - d.davg[4 * ti + c]!) / d.dstd[4 * ti + c]!);
      expect(largest(row, normalised_row[k])).toBeLessThan(1e-12);
    }
  });

  test('embedding nets and their slopes', () => {
    for (const { model: path, centre_type, neighbour_type, s, G, dG } of components().embedding) {
      const p = model(path);
      const d = p.descriptors[0]!;
      const net = d.nets[d.netOf[centre_type * p.ntypes + neighbour_type]!]!;
      for (const [k, x] of s.entries()) {
        const { g, dg } = embed(net, x);
        expect(largest(g, G[k])).toBeLessThan(1e-12);
        expect(largest(dg, dG[k])).toBeLessThan(1e-12);
      }
    }
  });

  test('table look-ups within and beyond both ends', () => {
    const { model: path, centre_type, neighbour_type, rows, table_info, x, value, slope } = components().table;
    const p = model(path);
    const d = p.descriptors[0]!;
    const table = d.tables![d.tableOf![centre_type * p.ntypes + neighbour_type]!]!;
    expect([table.lower, table.upper, table.max, table.step, table.coarseStep]).toEqual(table_info.slice(0, 5));
    expect(table.rows).toBe(rows);
    for (const [k, s] of x.entries()) {
      const { g, dg } = lookUp(table, s);
      // Beyond the last row the values grow with s: 1e-12 of the largest.
      const scale = Math.max(1, ...value[k].map(Math.abs));
      expect(largest(g, value[k])).toBeLessThan(1e-12 * scale);
      expect(largest(dg, slope[k])).toBeLessThan(1e-12 * scale);
    }
  });

  test('pair tables', () => {
    const { rcut, pairs, r, energy } = components().pair_table;
    const { pairTable, ntypes } = model('models/native_zbl.dp');
    expect(pairTable!.cutoff).toBe(rcut);
    // Energies of up to 100 eV.
    for (const [n, [a, b]] of (pairs as [number, number][]).entries())
      for (const [k, distance] of (r as number[]).entries())
        expect(Math.abs(pairEnergy(pairTable!, ntypes, a, b, distance)[0] - energy[n][k])).toBeLessThan(1e-11);
  });

  test('the switch of the softmin distance', () => {
    const { smin_alpha, sw_rmin, sw_rmax, samples } = components().softmin_switch;
    for (const { r, w, dw } of samples) {
      const { lambda, slopes } = softminSwitch({ alpha: smin_alpha, from: sw_rmin, to: sw_rmax }, r);
      expect(Math.abs(lambda - w)).toBeLessThan(1e-12);
      expect(largest(slopes, dw)).toBeLessThan(1e-12);
    }
  });

  test('models that must be refused are refused by their name', () => {
    for (const { model: path, must_name } of referenceJson('deep-potential', 'cases', 'refuse.json').models) {
      expect(() => model(path)).toThrow(
        expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining(must_name) }),
      );
    }
  });
});
