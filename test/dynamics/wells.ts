/** Potentials that can be solved: every atom in a harmonic well of its own, or free. */
import type { ForceField, ForceFieldArrays, Potential, PotentialInfo } from '../../lib/potential/potential.js';

/** U = k/2 sum |x - x0|^2 with the start positions as centres; k = 0 is a free particle. */
export class Wells implements Potential {
  readonly name = 'wells';
  readonly species = ['Ar', 'Li'];
  readonly cutoff = 1;
  /** Makes forces wrong from this evaluation on: what the watchdog must find. */
  fault: ((forces: Float64Array, evaluation: number, positions: Float64Array) => void) | undefined;

  constructor(readonly stiffness: number) {}

  info(): PotentialInfo {
    const { name, species, cutoff } = this;
    const sha256 = String(this.stiffness);
    return {
      name,
      file: null,
      sha256,
      type: 'wells',
      species,
      cutoff,
      precision: 'double',
      isa: 'baseline',
      compression: 'none',
      details: {},
    };
  }

  typesOf({ species }: { species: Uint8Array }): Int32Array {
    return new Int32Array(species.length);
  }

  evaluate(): never {
    throw new Error('not needed');
  }

  bind(_types: Int32Array, _pbc: readonly boolean[], arrays: ForceFieldArrays): ForceField {
    const { positions, forces, atomEnergies } = arrays;
    const { stiffness } = this;
    let centres = positions.slice();
    let count = 0;
    const field = {
      energy: 0,
      rebuilds: 0,
      rebuilt: false,
      cutoff: 1,
      skin: 1,
      computeSync: () => {
        field.energy = 0;
        for (let i = 0; i < atomEnergies.length; i++) {
          let square = 0;
          for (let k = 3 * i; k < 3 * i + 3; k++) {
            const x = positions[k]! - centres[k]!;
            forces[k] = -stiffness * x;
            square += x * x;
          }
          atomEnergies[i] = (stiffness * square) / 2;
          field.energy += atomEnergies[i]!;
        }
        this.fault?.(forces, count++, positions);
      },
      compute: async () => field.computeSync(),
      abort: () => undefined,
      reference: () => ({ positions: centres.slice(), cell: new Float64Array(9) }),
      restore: (reference: { positions: Float64Array }) => {
        centres = reference.positions.slice();
      },
      warnings: () => [],
      dispose: () => undefined,
    };
    return field;
  }
}
