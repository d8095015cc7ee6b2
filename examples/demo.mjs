// The demo through the library: Li3YCl6 at 900 K, diffusion and conductivity of its ions.
import { fileURLToPath } from 'node:url';
import { conductivity, describe, diffusion, loadPotential, nvt, readStructure, Simulation } from 'ionclay';

const file = fileURLToPath(new URL('./structures/Li3YCl6_trigonal_90_900K.extxyz', import.meta.url));
const time = process.argv[2] ?? '12 ps';

const structure = await readStructure(file);
const potential = await loadPotential('li-y-cl-br');
const simulation = new Simulation({ structure, potential, ensemble: nvt({ temperature: '900 K' }), seed: 1 });

const tracer = diffusion({ species: ['Li', 'Y', 'Cl'] });
const transport = conductivity({ charges: { Li: 1, Y: 3, Cl: -1 }, temperature: '900 K' });
for await (const frame of simulation.sample({ time, every: '20 fs' })) {
  tracer.add(frame);
  transport.add(frame);
}
await simulation.close();

for (const [species, estimate] of Object.entries(tracer.result())) console.log(describe(estimate, `D(${species})`));
console.log(describe(transport.result().total, 'conductivity'));
