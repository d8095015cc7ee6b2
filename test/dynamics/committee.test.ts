/** A committee in dynamics: the trajectory is that of the driving model to the last bit; rows carry the deviation of their own step. */
import { crystal } from '../../lib/builders/crystal.js';
import { nvt } from '../../lib/dynamics/ensembles.js';
import { Simulation } from '../../lib/dynamics/simulation.js';
import { DEVIATION_COLUMNS, thermoHeader, thermoLine } from '../../lib/dynamics/thermo.js';
import { Committee } from '../../lib/potential/committee.js';
import type { DeepPotential } from '../../lib/potential/deep-potential.js';
import type { Potential } from '../../lib/potential/potential.js';
import type { Structure } from '../../lib/structure.js';
import { perturbed } from '../potential/perturbed.js';

let structure: Structure;
let members: DeepPotential[];
let committee: Committee;
beforeAll(async () => {
  structure = await crystal({ name: 'MgCl2', supercell: [2, 2, 1] });
  members = [await perturbed(0), await perturbed(1)];
  committee = new Committee(members, { threads: 1 });
});

const simulate = (potential: Potential) =>
  new Simulation({ structure, potential, ensemble: nvt({ temperature: 900 }), seed: 5, timestep: 2, threads: 1, skin: 0.3 });

test('the members are evaluated at the ends of calls only, and change nothing', async () => {
  const [alone, together] = [simulate(members[0]!), simulate(committee)];
  for (const simulation of [alone, together]) await simulation.prepare();
  for (let k = 0; k < 6; k++) {
    for (const simulation of [alone, together]) await simulation.advance({ steps: 5 });
    expect(together.state()).toEqual(alone.state());
    const { deviation_force_max_eV_per_A: deviation, ...row } = together.measure();
    expect(deviation).toBeGreaterThan(0);
    expect(row).toMatchObject(alone.measure());
    // The deviation is that of the state measured.
    const evaluated = (await committee.evaluate(together.structureNow())).deviation!;
    // Positions went through the user's frame and back: the last bits differ.
    expect(Math.abs(deviation! - evaluated.forceMax)).toBeLessThan(1e-9);
  }
  await together.advance({ steps: 1, members: false });
  await alone.advance({ steps: 1 });
  expect(together.state()).toEqual(alone.state());
  expect(together.measure().deviation_force_max_eV_per_A).toBeNull();
  for (const simulation of [alone, together]) await simulation.close();
});

test('rows: columns of the contract after all others', async () => {
  const simulation = simulate(committee);
  await simulation.prepare();
  const row = simulation.measure();
  const header = thermoHeader(false, true).split(',');
  expect(header.slice(-7)).toEqual([...DEVIATION_COLUMNS]);
  const fields = thermoLine(row).split(',');
  expect(fields).toHaveLength(header.length);
  expect(Number(fields[header.indexOf('deviation_virial_mean_eV_per_atom')])).toBe(row.deviation_virial_mean_eV_per_atom);
  expect(thermoHeader(true, true).split(',').at(-8)).toBe('temperature_target_K');
  await simulation.advance({ steps: 1, members: false });
  expect(thermoLine(simulation.measure()).split(',').slice(-7)).toEqual(new Array(7).fill(''));
  await simulation.close();
});

test('saved and restored, it goes on bit for bit; another committee is refused', async () => {
  const whole = simulate(committee);
  await whole.advance({ steps: 10 });
  const sections = structuredClone(whole.save());
  await whole.advance({ steps: 10 });
  const resumed = Simulation.restore(sections, { potential: committee, threads: 2 });
  await resumed.advance({ steps: 10 });
  expect(resumed.state()).toEqual(whole.state());
  expect(resumed.measure()).toEqual(whole.measure());
  const other = new Committee([members[0]!, await perturbed(2)]);
  for (const potential of [members[0]!, other]) {
    expect(() => Simulation.restore(sections, { potential })).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_OTHER_POTENTIAL', message: expect.stringContaining('with member-1') }),
    );
  }
  for (const simulation of [whole, resumed]) await simulation.close();
});
