// SPDX-License-Identifier: MIT
#include "native/core/cell.hpp"

#include <cmath>

#include "native/core/error.hpp"

namespace ionclay {

Cell Cell::make(const double* h, const std::array<bool, 3>& periodic) {
  Cell cell;
  bool isolated = true;
  for (int k = 0; k < 9; ++k) {
    if (!std::isfinite(h[k])) throw Error("E_CELL_INVALID", "the cell has a component that is not a finite number");
    if (h[k] != 0.0) isolated = false;
  }
  if (isolated) {
    if (periodic[0] || periodic[1] || periodic[2]) throw Error("E_CELL_INVALID", "a periodic direction needs a cell");
    return cell;
  }
  for (int k = 0; k < 9; ++k) cell.h[k] = h[k];
  cell.periodic = periodic;
  double cross[3][3];
  for (int i = 0; i < 3; ++i) {
    const double* u = h + 3 * ((i + 1) % 3);
    const double* v = h + 3 * ((i + 2) % 3);
    cross[i][0] = u[1] * v[2] - u[2] * v[1];
    cross[i][1] = u[2] * v[0] - u[0] * v[2];
    cross[i][2] = u[0] * v[1] - u[1] * v[0];
  }
  const double det = h[0] * cross[0][0] + h[1] * cross[0][1] + h[2] * cross[0][2];
  if (!(std::fabs(det) > 1e-9) || !std::isfinite(det)) throw Error("E_CELL_INVALID", "the cell vectors span no volume");
  for (int i = 0; i < 3; ++i) {
    const double area = std::sqrt(cross[i][0] * cross[i][0] + cross[i][1] * cross[i][1] + cross[i][2] * cross[i][2]);
    cell.widths[i] = std::fabs(det) / area;
    for (int k = 0; k < 3; ++k) cell.inverse[3 * k + i] = cross[i][k] / det;
  }
  cell.volume = std::fabs(det);
  return cell;
}

}  // namespace ionclay
