/** A study of 64 ions that runs in a second, with each kind of stage: a ramp, Langevin, nve from an earlier stage, analyses. */

export const LICL_STUDY = `study: licl-small
seed: 7
potential:
  charges: { Li: 1, Cl: -1 }
  electrostatics: { damped-shifted-force: { damping: 0.3 /A, cutoff: 8 A } }
  pairs:
    - form: born-mayer-huggins
      cutoff: 8 A
      at-cutoff: shift
      parameters:
        Li-Li: { A: 0.421926 eV, rho: 0.342 A, sigma: 1.632 A, C: 0 eV A6, D: 0 eV A8 }
        Li-Cl: { A: 0.290074 eV, rho: 0.342 A, sigma: 2.401 A, C: 0 eV A6, D: 0 eV A8 }
        Cl-Cl: { A: 0.158222 eV, rho: 0.342 A, sigma: 3.17 A, C: 0 eV A6, D: 0 eV A8 }
structure:
  crystal: { name: LiCl, supercell: [2, 2, 2] }
timestep: 1 fs
checkpoint: 0.05 s
stages:
  - name: heat
    run: 100 fs
    ensemble: nvt
    temperature: [300 K, 600 K]
    sample: { thermo: 10 fs, trajectory: 20 fs }
  - name: hold
    steps: 123
    ensemble: nvt
    thermostat: { langevin: { friction: 1 /ps } }
    temperature: 600 K
    sample: { thermo: 7 fs, trajectory: 20 fs, precision: double, velocities: true }
  - name: free
    run: 100 fs
    ensemble: nve
    from: heat
    sample: { thermo: 10 fs, trajectory: 10 fs }
analyses:
  - rdf: { stage: heat, pairs: [Li-Cl], cutoff: 5 A }
  - diffusion: { stage: free, species: [Li] }
`;
