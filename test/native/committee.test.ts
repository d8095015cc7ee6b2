/** Several potentials on one neighbour list: the same numbers as each alone, whatever else is evaluated with them. */

import type { NativeEvaluator, NativeOutputs, NativePotential } from '../../lib/native/addon.js';
import { chooseIsa, nativeAddon } from '../../lib/native/loader.js';
import { nativeParameters } from '../../lib/potential/deep-potential-native.js';
import { parseModel } from '../../lib/potential/model-file.js';
import { pairTables } from '../../lib/potential/pair/tables.js';
import { pairPotential } from '../../lib/potential/pair-potential.js';
import { nativeHdf5, nativeModel } from '../oracle/native-trees.js';
import { flatSystem } from './flat-model.js';

const addon = nativeAddon();

/** Lennard-Jones of two species whose parameters differ from member to member; the force is continuous at the cutoff. */
function member(epsilon: number, cutoff = 5): NativePotential {
  const { resolved } = pairPotential({
    pairs: [
      {
        form: 'lennard-jones',
        cutoff,
        atCutoff: 'force-shift',
        parameters: {
          'Na-Na': { epsilon, sigma: 1.7 },
          'Na-Cl': { epsilon: 2 * epsilon, sigma: 1.6 },
          'Cl-Cl': { epsilon: 3 * epsilon, sigma: 1.5 },
        },
      },
    ],
  });
  return addon.createPairPotential(pairTables(resolved, new Map()), chooseIsa());
}

const members = [member(0.01), member(0.013), member(0.008)];

function outputs(natoms: number) {
  return { forces: new Float64Array(3 * natoms), atomEnergies: new Float64Array(natoms), virial: new Float64Array(9) };
}

function committee(skin = 0, images = false) {
  const system = flatSystem(4);
  const natoms = system.options.types.length;
  const others = [outputs(natoms), outputs(natoms)];
  const arrays = { ...system.arrays, images: images ? new Int32Array(3 * natoms) : null, members: others };
  const options = { ...system.options, skin };
  return { arrays, options, others, evaluator: addon.createEvaluator(members, arrays, options) };
}

function alone(k: number) {
  const system = flatSystem(4);
  const evaluator = addon.createEvaluator(members[k]!, system.arrays, system.options);
  evaluator.computeSync();
  return { ...system.arrays, energy: evaluator.energy };
}

const resultsOf = ({ forces, atomEnergies, virial }: NativeOutputs) => ({ forces, atomEnergies, virial });

test('each member gives what it gives alone, to the last bit', async () => {
  for (const sync of [true, false]) {
    const { arrays, others, evaluator } = committee();
    if (sync) evaluator.computeSync();
    else await evaluator.compute();
    const single = members.map((_, k) => alone(k));
    expect([...evaluator.energies]).toEqual(single.map(({ energy }) => energy));
    expect(evaluator.energy).toBe(single[0]!.energy);
    [arrays, ...others].forEach((got, k) => {
      expect(resultsOf(got)).toEqual(resultsOf(single[k]!));
    });
    expect(single[0]!.energy).not.toBe(single[1]!.energy);
    expect(evaluator.rebuilds).toBe(1);
  }
});

test('the driving potential alone: the same bits, and the members are left as they were', () => {
  const moved = (e: ReturnType<typeof committee>) => {
    for (let i = 0; i < e.arrays.positions.length; i++) e.arrays.positions[i]! += 1e-3 * Math.sin(i);
  };
  const [with_, without] = [committee(1, true), committee(1, true)];
  for (const e of [with_, without]) e.evaluator.computeSync(e === with_);
  expect(without.others[0]!.forces.every((f) => f === 0)).toBe(true);
  for (const e of [with_, without]) {
    moved(e);
    e.evaluator.computeSync(e === with_);
  }
  expect(resultsOf(without.arrays)).toEqual(resultsOf(with_.arrays));
  expect(without.evaluator.energy).toBe(with_.evaluator.energy);
  expect(without.arrays.positions).toEqual(with_.arrays.positions);
  expect(without.others[1]!.virial).toEqual(new Float64Array(9));
  without.evaluator.computeSync();
  expect(without.others.map(resultsOf)).toEqual(with_.others.map(resultsOf));
  expect(without.evaluator.rebuilt).toBe(false);
});

function errorOf(call: () => unknown): { name: string; code?: string; message: string } {
  try {
    call();
  } catch (error) {
    return error as { name: string; code?: string; message: string };
  }
  throw new Error('nothing was thrown');
}

describe('what is refused', () => {
  const { arrays, options, others } = committee();
  const create = (potentials: unknown, a: unknown = arrays): NativeEvaluator =>
    addon.createEvaluator(potentials as NativePotential[], a as typeof arrays, options);

  test.each<[string, unknown, unknown, string]>([
    ['no potential', [], arrays, 'potentials'],
    ['what is not a potential', [members[0], {}], arrays, 'potential'],
    ['no arrays for the members', members, { ...arrays, members: undefined }, 'members'],
    ['too few arrays', members, { ...arrays, members: others.slice(1) }, 'members'],
    [
      'an array that is too short',
      members,
      { ...arrays, members: [others[0], { ...others[1], virial: new Float64Array(6) }] },
      'virial',
    ],
    ['a member that is no object', members, { ...arrays, members: [others[0], 3] }, 'members'],
  ])('%s', (_, potentials, given, word) => {
    const error = errorOf(() => create(potentials, given));
    expect(error.name).toBe('TypeError');
    expect(error.message).toMatch(word);
  });

  test('another cutoff', () => {
    expect(errorOf(() => create([members[0], member(0.01, 4.5)], { ...arrays, members: [others[0]] })).code).toBe(
      'COMMITTEE_MISMATCH',
    );
  });

  test('parameters that are no numbers, and members that is no truth value', () => {
    const wrong = { ...options, fparam: [1] as never };
    expect(errorOf(() => addon.createEvaluator(members, arrays, wrong)).message).toMatch('fparam');
    expect(errorOf(() => committee().evaluator.computeSync(1 as never)).message).toMatch('members');
    expect(errorOf(() => committee().evaluator.memberOverflow(3)).message).toMatch('member');
  });
});

describe('frame and atom parameters', () => {
  const p = parseModel(nativeHdf5(nativeModel('se_e2_a, parameters')), 'model.dp');
  const model = addon.createDeepPotential(nativeParameters(p), chooseIsa(), { precision: 'double', compression: false });
  const { arrays, options } = flatSystem(3);
  const natoms = options.types.length;
  const numbers = { fparam: Float64Array.of(0.2, 0.3), aparam: new Float64Array(natoms).fill(0.1) };

  test('are copied: what the caller does to them later changes nothing', () => {
    const own = { fparam: numbers.fparam.slice(), aparam: numbers.aparam.slice() };
    const evaluator = addon.createEvaluator(model, arrays, { ...options, ...own });
    evaluator.computeSync();
    const { energy } = evaluator;
    own.fparam.fill(7);
    own.aparam.fill(-7);
    evaluator.computeSync();
    expect(evaluator.energy).toBe(energy);
    const other = addon.createEvaluator(model, arrays, { ...options, ...own });
    other.computeSync();
    expect(other.energy).not.toBe(energy);
    expect(model.frameParameters).toBe(2);
  });

  test.each<[string, object]>([
    ['none', {}],
    ['no atom parameters', { fparam: numbers.fparam }],
    ['no frame parameters', { aparam: numbers.aparam, fparam: null }],
    ['too few', { ...numbers, fparam: Float64Array.of(1) }],
    ['too many', { ...numbers, aparam: new Float64Array(natoms + 1) }],
  ])('%s: refused', (_, given) => {
    expect(errorOf(() => addon.createEvaluator(model, arrays, { ...options, ...given })).code).toBe('PARAMETERS_MISMATCH');
  });

  test('members of another kind are refused', () => {
    const pair = member(0.01, model.cutoff);
    const both = { ...arrays, members: [outputs(natoms)] };
    expect(errorOf(() => addon.createEvaluator([model, pair], both, { ...options, ...numbers })).code).toBe('COMMITTEE_MISMATCH');
    expect(errorOf(() => addon.createEvaluator([pair, model], both, { ...options, ...numbers })).code).toBe('COMMITTEE_MISMATCH');
  });
});
