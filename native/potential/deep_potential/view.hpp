// SPDX-License-Identifier: MIT
// Parameters and scratch memory of a Deep Potential as plain pointers: all that the kernels see. Kernels are compiled for several
// instruction sets, so nothing here may have inline functions or containers. Notation of deep-potential.md: T types, M embedding
// width, M2 axis, N slots; a trailing p means padded to whole vectors of the widest instruction set (padding is zero).
#pragma once

#include <cstdint>

namespace ionclay::deep_potential {

inline constexpr int kPad = 8;

enum class Activation : int { tanh, gelu, relu, relu6, softplus, sigmoid, silu, silut, linear };
enum class Shortcut : int { none, identity, twice };

// y -> act(y W + b) [* idt] [+ y | + (y, y)] (1.6, 1.8).
struct LayerView {
  int inputs, outputs;
  int inputs_padded, outputs_padded;
  Activation activation;
  double threshold;  // silut
  Shortcut shortcut;
  const double* weights;     // [inputs_padded][outputs_padded]
  const double* transposed;  // [outputs_padded][inputs_padded]; fitting nets only
  const double* bias;        // [outputs_padded]
  const double* idt;         // [outputs_padded] or null
  // Position of each input in the padded input row where it is not its own index (first fitting layer), else null.
  const std::int32_t* input_place;
};

struct NetworkView {
  const LayerView* layers;
  int count;
  int widest;  // padded
};

// Quintic panels (2.3), lanes last: row k holds a0[Mp], a1[Mp], .. a5[Mp].
struct TableView {
  double lower, upper, max, step, coarse_step;
  int rows, fine_rows;
  bool single;
  const double* coefficients;
};

struct ModelView {
  int ntypes;
  double cutoff, smooth, switch_width, protection;
  bool native_rule;
  const int* sel;
  int slots_total;
  const int* slot_offset;  // first slot of each type
  double inverse_slots;    // 1/N of 1.7
  bool per_slot;
  const double* davg;  // [T][4] or [T][slots][4]
  const double* inverse_dstd;
  bool one_sided;
  int width, width_padded, axis;
  const NetworkView* embedding;  // by net index; count 0 where the file has none
  const TableView* tables;       // by net index, rows 0 where there is none; null for a plain model
  const std::uint8_t* excluded;
  const std::uint8_t* pair_excluded;
  const NetworkView* fitting;  // by type
  const double* vacuum;        // [T] net(D = 0) to subtract
  const double* atom_bias;
  const double* out_std;
  const double* out_bias;
  const std::uint8_t* fitting_excluded;
  const std::uint8_t* atom_excluded;
  // [T][T]: sum over empty slots k.. of R_pad (x) G(s_pad), [slots + 1][4][Mp] each where per_slot, else [4][Mp] for one slot.
  const double* const* pads;
};

// What a block writes besides its results, when something is wrong.
enum class BlockStatus : int { ok = 0, overlap = 1, sel_overflow = 2 };

struct BlockTask {
  // The atoms of the block, all of one type.
  const std::int32_t* atoms;
  int count;
  int type;
  // Configuration.
  const double* positions;
  const std::int32_t* types;
  const double* shifts;
  const std::uint64_t* list_offsets;
  const std::int32_t* list_entries;  // (atom, shift) pairs
  int overflow_rule;                 // SelOverflow
  // Results.
  double* pair_gradients;  // [entries][3]: dE_i/dr_ij, zero outside the cutoff
  double* atom_energies;
  double* atom_virials;    // [atoms][9]
  std::int32_t* overflow;  // [2T] of this block
  std::uint64_t* pairs_inside;
  std::int32_t* culprits;  // [3]: two atoms; or type, count, and the atom that has them
  // Seconds of this block: environment, embedding, descriptor, fitting, forces.
  double* seconds;
  double (*clock)();
};

// Scratch of one thread. Sizes: Scratch::fit in scratch.hpp.
struct ScratchView {
  std::int32_t* candidate_entry;
  std::int32_t* candidate_type;
  double* candidate;      // [listed of one atom][4]: x y z r2
  std::int32_t* segment;  // [T][atoms + 1]: first neighbour of each atom within its type
  std::int32_t*
      placed;  // [2 listed + T]: candidates of one atom by distance; list entries in atom-major order; cursors of the types
  std::int32_t* entry;  // [n]: list entry of a neighbour
  std::int32_t* slot;   // [n]: type while neighbours are gathered; then rank by distance, where per_slot
  double* vector;       // [4][n]: x, y, z, r (lanes last)
  double* chain;        // [3][n]: c1, c2, c3 of 1.9
  double* rows;         // [n][4]: x y z r2 while neighbours are gathered; then the normalised environment rows R
  double* scalar;       // [n]: s = R_0
  double* embedding;    // [n][Mp]: G
  double* slope;        // [n][Mp]: dG/ds
  double* layer_a;      // [2 x chunk][widest]
  double* layer_b;
  double* descriptor;  // [atoms][4][Mp]: A
  double* gradient_a;  // [4][Mp]: dE/dA
  double* fit_input;   // [atoms][inputs of the first fitting layer, padded]
  double* fit_values;  // [layers][atoms][widest]
  double* fit_slopes;
  double* fit_gradient_a;  // [atoms][widest]
  double* fit_gradient_b;
};

// Neighbours per pass of the embedding nets: two rows of 64 x 80 doubles stay in the second-level cache.
inline constexpr int kEmbeddingChunk = 64;

struct Kernel {
  // G and dG/ds of net (centre, neighbour) at n values of s: g, dg [n][Mp].
  void (*embed)(const ModelView& model, int centre, int neighbour, const double* s, int n, double* g, double* dg,
                ScratchView& scratch);
  // Net of a type at `atoms` rows in scratch.fit_input; energies [atoms], and dE/dinput into scratch.fit_input where gradient is set.
  void (*fit)(const ModelView& model, int type, int atoms, double* energies, bool gradient, ScratchView& scratch);
  BlockStatus (*block)(const ModelView& model, const BlockTask& task, ScratchView& scratch);
};

// One per instruction set of the build.
namespace kernels {
extern const Kernel baseline;
extern const Kernel avx2;
extern const Kernel avx512;
extern const Kernel neon;
}  // namespace kernels

}  // namespace ionclay::deep_potential
