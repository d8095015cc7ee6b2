// SPDX-License-Identifier: MIT
// Parameters and scratch memory of a Deep Potential as plain pointers: all that the kernels see. Kernels are compiled for several
// instruction sets, so nothing here may have inline functions or containers. Notation of deep-potential.md: T types, M embedding
// width, M2 axis, N slots; a trailing p means padded to whole vectors of the kernel that reads it (padding is zero). Real is the
// precision of nets and tables: double, or float for mixed precision; geometry and all sums over neighbours and atoms are double.
#pragma once

#include <cstdint>

namespace ionclay::deep_potential {

enum class Activation : int { tanh, gelu, relu, relu6, softplus, sigmoid, silu, silut, linear };
enum class Shortcut : int { none, identity, twice, affine };
enum class Smoothing : int { one, by_switch, cubic };

// y -> act(y W + b) [* idt] [+ y | + (y, y) | + y slope + constant] (1.6, 1.8). Matrices are packed for gemm (gemm.kernel.hpp).
template <class Real>
struct LayerView {
  int inputs, outputs;
  int inputs_padded, outputs_padded;
  Activation activation;
  double threshold;  // silut
  Shortcut shortcut;
  const Real* weights;     // packed [inputs_padded][outputs_padded]
  const Real* transposed;  // packed [outputs][inputs_padded]; fitting nets only
  const Real* bias;        // [outputs_padded]
  const Real* idt;         // [outputs_padded] or null
  const Real* slope;       // [outputs_padded], affine shortcut
  const Real* constant;
  // Position of each input in the padded input row where it is not its own index (first fitting layer), else null.
  const std::int32_t* input_place;
};

template <class Real>
struct NetworkView {
  const LayerView<Real>* layers;
  int count;
  int widest;  // padded
};

// Quintic panels of a compressed file (2.3), lanes last: row k holds a0[Mp], a1[Mp], .. a5[Mp].
struct FileTableView {
  double lower, upper, max, step, coarse_step;
  int rows, fine_rows;
  bool single;
  const double* coefficients;
};

// Our own table of a pair of types: G(r) = g(r) V with q latent columns, g by polynomials on panels of unequal width. The panel of r
// is start[bin] or the one after it; u = (r - edges[k]) inverse_width[k].
template <class Real>
struct LatentTableView {
  double lower, bins_per_length;
  int bins;
  const std::int32_t* start;    // [bins + 1]
  const double* edges;          // [panels + 1]
  const double* inverse_width;  // [panels]
  int degree;
  int columns_padded;        // q
  const Real* coefficients;  // [panels][vectors of columns][degree + 1][lanes], powers of u, lowest first
  const Real* expansion;     // packed [q][Mp]: V
  const Real* contraction;   // packed [Mp][q]: V transposed
};

template <class Real>
struct DescriptorView {
  bool radial;  // se_e2_r: rows (1, 0, 0, 0), D = A_0
  double cutoff, smooth, inverse_switch_width, protection;
  bool mixed;
  int groups;  // T, or 1 where mixed
  const int* sel;
  int slots_total;
  const int* slot_offset;  // first slot of each group
  double scale;            // 1/N, or 1/(5 N) for se_e2_r
  bool per_slot;
  const double* davg;  // [T][4] or [T][slots][4]
  const double* inverse_dstd;
  int width, width_padded, axis;
  const NetworkView<Real>* const* nets;        // [T * T] or null entries
  const FileTableView* const* file_tables;     // [T * T] or null entries; they come before nets
  const LatentTableView<Real>* const* latent;  // [T * T] or null entries; they come before both
  const std::uint8_t* excluded;                // [T * T]
  const Real* strip;                           // [T * T][Mp]: G = g (1 + tt f(r)); null without strip mode
  Smoothing smoothing;
  // [T * groups]: sum over empty slots k.. of R_pad (x) G(s_pad), [slots + 1][4][Mp] each where per_slot, else [4][Mp] for one slot.
  const double* const* pads;
  // [T * T]: what one masked slot gives, [4][Mp]; se_e2_r only, else null entries.
  const double* const* masked;
  // D in the input row of the fitting net: first column, and for row b of D the first kept column of a (multiple of the lanes).
  int input_offset;
  const std::int32_t* row_offset;  // [axis]: place of row b, counted from input_offset
  const std::int32_t* row_start;   // [axis]: its first column a
  int widest_net;                  // padded
};

// Pair table with its switch (1.15).
struct PairTableView {
  double smallest, inverse_step, cutoff;
  double softmin_cutoff;  // neighbours within it make the softmin distance
  int cells;
  const double* coefficients;  // [T][T][cells][4]: a3 a2 a1 a0
  double alpha, from, to;
  bool add_bias;
};

template <class Real>
struct ModelView {
  int ntypes;
  double cutoff;
  bool native_rule;
  int descriptor_count;
  const DescriptorView<Real>* descriptors;
  // Whether neighbours are gathered apart from those of a descriptor: hybrids, and whatever else looks at other neighbours.
  bool shared_base;
  // How many neighbours the list of a native model keeps, before each descriptor shares them out (1.12).
  int base_slots;
  const std::uint8_t* pair_excluded;
  const NetworkView<Real>* fitting;  // by type
  // Input row: D blocks, then `extras` numbers from extras_offset on: constants of the type, frame and atom parameters, case.
  int inputs_padded;
  int extras_offset, extras;
  const double* extras_of_type;  // [T][extras], parameters as zero
  int fparam_place, fparam_count, aparam_place, aparam_count;
  const double* fparam_average;
  const double* fparam_inverse_std;
  const double* aparam_average;
  const double* aparam_inverse_std;
  // Assigned vacuum energies (1.8): net(D = 0) is taken off; the constants that belong to D are zero there too.
  const std::uint8_t* subtract_vacuum;
  const double* vacuum_extras;  // [T][extras]
  const double* vacuum;         // [T] where no parameter enters, else null: then per atom
  const double* atom_bias;
  const double* out_std;
  const double* out_bias;
  const std::uint8_t* fitting_excluded;
  const std::uint8_t* atom_excluded;
  const PairTableView* pair_table;
};

// What a block writes besides its results, when something is wrong.
enum class BlockStatus : int { ok = 0, overlap = 1, sel_overflow = 2, below_table = 3 };

struct BlockTask {
  // The atoms of the block, all of one type; neighbours are images (atom + lattice vector), sorted by type (block_list.hpp).
  const std::int32_t* atoms;
  int count;
  int type;
  const double* positions;  // of all atoms, for the centres
  const double* image_x;    // [images + padding] each
  const double* image_y;
  const double* image_z;
  const std::int32_t* image_atom;
  const std::int32_t* image_shift;
  int images;
  const std::uint32_t* segments;  // [atoms][T + 1] into entries
  const std::uint32_t* entries;   // images of the neighbours; padded
  int overflow_rule;              // SelOverflow
  // Neighbours, distances and their factors are in the scratch already, put there by another model of the same geometry.
  bool has_neighbours;
  bool has_rows;         // and rows too: its statistics are the same
  const double* fparam;  // raw
  const double* aparam;  // raw, all atoms
  // Results.
  double* centre_forces;   // [atoms][3]
  double* image_forces;    // [images][3]
  double* atom_energies;   // of all atoms
  double* virial;          // [9]
  std::int32_t* overflow;  // [descriptors][T][2] of this block
  std::uint64_t* pairs_inside;
  std::int32_t* culprits;  // [4]: two atoms; or group, count, atom, descriptor
  // Seconds of this block: environment, embedding, descriptor, fitting, forces.
  double* seconds;
  double (*clock)();
};

// Neighbours of a block, atom by atom, sorted by type within an atom.
struct NeighbourArrays {
  double* x;
  double* y;
  double* z;
  double* r;  // r^2 while they are gathered
  std::int32_t* image;
  std::int32_t* segment;  // [atoms][T + 1]
  int count;
};

template <class Real>
struct DescriptorScratch {
  NeighbourArrays neighbours;
  double* chain;        // [3][n]: c1, c2, c3 of 1.9
  double* rows;         // [n][4]: normalised environment rows R
  Real* rows_real;      // the same in the precision of the nets; rows itself for double
  double* scalar;       // [n]: s = R_0
  std::int32_t* slot;   // [n], where per_slot
  std::int32_t* panel;  // [n]: panel of the table, -1 = the net itself
  Real* u;              // [n]: place in the panel
  // Neighbours that go through the net itself, by type and atom: net_segment [T][atoms + 1] into net_index.
  std::int32_t* net_segment;
  std::int32_t* net_index;
  Real* embedding;    // [net neighbours][Mp]: G
  Real* slope;        // [net neighbours][Mp]: dG/dr
  Real* contraction;  // [atoms][4][Mp]: A
  Real* gradient;     // [atoms][4][Mp]: dE/dA
};

// Scratch of one thread. Sizes: Scratch::fit in scratch.hpp.
template <class Real>
struct ScratchView {
  std::int64_t capacity;  // neighbours
  NeighbourArrays base;   // shared by the descriptors of a hybrid
  std::int32_t* order;    // of one atom's neighbours, by distance
  std::int32_t* kept;
  DescriptorScratch<Real>* descriptors;
  double* batch;      // [5][n]: s, ds/dr, r, f, df/dr of the neighbours of one net
  double* latent;     // [4][q]: sums of one atom
  Real* latent_sums;  // [atoms][4][q]
  Real* layer_a;      // [2 x chunk][widest]
  Real* layer_b;
  Real* fit_input;   // [atoms][inputs]
  Real* fit_values;  // [layers][atoms][widest]
  Real* fit_slopes;
  Real* fit_gradient_a;  // [atoms][widest]
  Real* fit_gradient_b;
  double* gradients;  // [n][4]: sums of the backward sweep, then dE_i/dr_ij
};

// Neighbours per pass of the embedding nets: two rows of 64 x 80 doubles stay in the second-level cache.
inline constexpr int kEmbeddingChunk = 64;
inline constexpr int kMaxBlockAtoms = 64;

template <class Real>
struct Kernel {
  int lanes;  // numbers a vector
  int strip;  // columns of a packed strip (gemm.kernel.hpp)
  // G and dG/dr of a pair of types by the net (or table) of the file at n distances: g, dg [n][Mp].
  void (*pair)(const ModelView<Real>& model, int descriptor, int centre, int neighbour, const double* r, int n, Real* g, Real* dg,
               ScratchView<Real>& scratch);
  // G at normalised s, without switching: for empty slots. `factors` as DescriptorView::strip, or null.
  void (*embed)(const NetworkView<Real>* net, const FileTableView* table, const double* s, int n, Real* g, Real* dg,
                int width_padded, ScratchView<Real>& scratch);
  // Net of a type at `atoms` rows in scratch.fit_input; energies [atoms], and dE/dinput into scratch.fit_input where gradient is set.
  void (*fit)(const ModelView<Real>& model, int type, int atoms, double* energies, bool gradient, ScratchView<Real>& scratch);
  BlockStatus (*block)(const ModelView<Real>& model, const BlockTask& task, ScratchView<Real>& scratch);
};

// One per instruction set of the build.
struct Kernels {
  Kernel<double> in_double;
  Kernel<float> in_mixed;
};
namespace kernels {
extern const Kernels baseline;
extern const Kernels avx2;
extern const Kernels avx512;
extern const Kernels neon;
}  // namespace kernels

}  // namespace ionclay::deep_potential
