// SPDX-License-Identifier: MIT
// A cell with rows a, b, c (row-major), any mix of periodic directions (dynamics.md 2).
#pragma once

#include <array>

namespace ionclay {

struct Cell {
  std::array<double, 9> h{1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::array<double, 9> inverse{1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::array<bool, 3> periodic{false, false, false};
  // Face distances V/|b x c| and cyclic.
  std::array<double, 3> widths{1, 1, 1};
  double volume = 1;

  // `h` all zeros means an isolated system: unit axes, nothing periodic. Throws E_CELL_INVALID for a singular or non-finite cell.
  static Cell make(const double* h, const std::array<bool, 3>& periodic);

  // n1 a + n2 b + n3 c; exactly odd in n, so that a pair and its mirror see the same distance to the last bit.
  void lattice_vector(const int n[3], double out[3]) const {
    for (int k = 0; k < 3; ++k) out[k] = n[0] * h[k] + n[1] * h[3 + k] + n[2] * h[6 + k];
  }
  void fractional(const double* x, double* s) const {
    for (int k = 0; k < 3; ++k) s[k] = x[0] * inverse[k] + x[1] * inverse[3 + k] + x[2] * inverse[6 + k];
  }
};

}  // namespace ionclay
