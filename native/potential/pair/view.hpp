// SPDX-License-Identifier: MIT
// A pair potential as plain numbers: all that the kernels see. Kernels are compiled for several instruction sets, so nothing here
// may have inline functions or containers.
#pragma once

#include <cstdint>

namespace ionclay::pair {

// One row of terms between two types, all with the same cutoff (coulomb.md 2, 3, 12):
//   u = A e^((sigma - r)/rho) + C12/r^12 - C6/r^6 - C8/r^8 + D g (g - 2) + shift + tilt (r - cutoff),   g = e^(a (r0 - r)),
//   plus  kqq [erfc(alpha r)/r - c0 + c1 (r - coulomb_cutoff)]; each part is zero from its cutoff on.
// shift and tilt carry the treatments at the cutoff. Parts whose flag is off are never computed.
struct Row {
  bool exponential, power, morse, coulomb;
  double A, sigma, inverse_rho;
  double C12, C6, C8;
  double D, a, r0;
  double shift, tilt, cutoff;
  double kqq, alpha, c0, c1, coulomb_cutoff;
};

struct ModelView {
  int ntypes;
  double cutoff2;
  const Row* rows;
  // [T T + 1]: rows of type pair (t, u) are rows[first_row[t T + u]] up to the next.
  const std::int32_t* first_row;
  // [T]: energy of an ion by itself.
  const double* self_energies;
  // [T T]: square of the barrier's radius r_b, 0 where there is none (coulomb.md 5).
  const double* barriers2;
};

struct BlockTask {
  std::int64_t begin, end;  // atoms
  const double* positions;
  const std::int32_t* types;
  const double* shifts;
  const std::uint64_t* list_offsets;
  const std::int32_t* list_entries;  // (atom, shift) pairs
  double* forces;
  double* atom_energies;
  double* virial;  // [6] of this block: sum over the full list of (u'/r) d_a d_b; xx yy zz yz xz xy
  std::uint64_t* pairs_inside;
  std::uint8_t* collapsed;  // set where a pair lies inside its barrier
};

// Scratch of one thread: neighbours of one atom inside the cutoff, sorted by type; segment T takes virtual atoms.
struct ScratchView {
  std::int64_t capacity;  // of a segment: listed neighbours of one atom plus a vector of padding
  double* vectors;        // [T + 1][4][capacity]: dx, dy, dz, r^2
  std::int32_t* counts;   // [T + 1]
};

// One per instruction set of the build.
using Block = void (*)(const ModelView& model, const BlockTask& task, const ScratchView& scratch);

namespace kernels {
extern const Block baseline;
extern const Block avx2;
extern const Block avx512;
extern const Block neon;
}  // namespace kernels

}  // namespace ionclay::pair
