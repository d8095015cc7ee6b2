// SPDX-License-Identifier: MIT
// A table of ours in the layout of a kernel.
#include <algorithm>

#include "native/potential/deep_potential/model.hpp"

namespace ionclay::deep_potential {

template <class Real>
void Model<Real>::set_table(const DeepPotentialParameters::LatentTable& table) {
  require(table.descriptor < view_.descriptor_count && table.centre < types_ && table.neighbour < types_, "table of a pair");
  Pieces& pieces = pieces_[table.descriptor];
  const DescriptorView<Real>& descriptor = descriptors_[table.descriptor];
  const std::size_t panels = table.edges.size() - 1;
  const std::size_t q = static_cast<std::size_t>(table.columns);
  const std::size_t powers = static_cast<std::size_t>(table.degree) + 1;
  require(table.edges.size() >= 2 && panels <= 1 << 20 && (table.degree == 5 || table.degree == 7) && q <= 1 << 16, "table");
  require(table.coefficients.size() == panels * powers * q && table.expansion.size() == q * descriptor.width, "table");
  require(!descriptor.per_slot, "table of a model whose statistics differ by slot");
  LatentTableView<Real> view{};
  const int qp = padded(table.columns);
  double narrowest = table.edges.back() - table.edges.front();
  std::vector<double> inverse(panels);
  for (std::size_t k = 0; k < panels; ++k) {
    const double width = table.edges[k + 1] - table.edges[k];
    require(width > 0, "edges of a table");
    narrowest = std::min(narrowest, width);
    inverse[k] = 1.0 / width;
  }
  // Bins narrower than any panel: at most one edge inside.
  const double length = table.edges.back() - table.edges.front();
  require(table.edges.back() >= descriptor.cutoff && length / narrowest < 1e6, "edges of a table");
  view.lower = table.edges.front();
  view.bins = static_cast<int>(length / narrowest * 1.01) + 1;
  view.bins_per_length = view.bins / length;
  std::vector<std::int32_t> start(static_cast<std::size_t>(view.bins) + 1);
  std::size_t panel = 0;
  for (int bin = 0; bin <= view.bins; ++bin) {
    // A little early, so that rounding of r never finds the panel before.
    const double left = view.lower + bin / view.bins_per_length - 1e-9 * narrowest;
    while (panel + 1 < panels && table.edges[panel + 1] <= left) ++panel;
    start[bin] = static_cast<std::int32_t>(panel);
  }
  view.start = keep(start);
  // One edge more than there is, beyond any distance: the last panel has a next edge like the others.
  std::vector<double> edges = table.edges;
  edges.back() = 1e300;
  edges.push_back(1e300);
  view.edges = keep(edges);
  view.inverse_width = keep(inverse);
  view.degree = table.degree;
  view.columns_padded = qp;
  // Powers of a vector of columns lie together: what a sweep reads of a panel is in order, at offsets known when compiled.
  std::vector<Real> coefficients(panels * powers * qp);
  const std::size_t lanes = static_cast<std::size_t>(kernel_.lanes);
  for (std::size_t k = 0; k < panels; ++k) {
    for (std::size_t power = 0; power < powers; ++power) {
      for (std::size_t c = 0; c < q; ++c) {
        const std::size_t place = ((k * qp / lanes + c / lanes) * powers + power) * lanes + c % lanes;
        coefficients[place] = static_cast<Real>(table.coefficients[(k * powers + power) * q + c]);
      }
    }
  }
  view.coefficients = keep(coefficients);
  const int mp = descriptor.width_padded;
  std::vector<double> expansion(static_cast<std::size_t>(qp) * mp), contraction(static_cast<std::size_t>(mp) * qp);
  for (std::size_t c = 0; c < q; ++c) {
    for (int m = 0; m < descriptor.width; ++m) {
      expansion[c * mp + m] = table.expansion[c * descriptor.width + m];
      contraction[static_cast<std::size_t>(m) * qp + c] = table.expansion[c * descriptor.width + m];
    }
  }
  view.expansion = keep(packed<Real>(expansion, qp, mp, kernel_.strip));
  view.contraction = keep(packed<Real>(contraction, mp, qp, kernel_.strip));
  latent_tables_.push_back(view);
  pieces.latent[static_cast<std::size_t>(table.centre) * types_ + table.neighbour] = &latent_tables_.back();
}

template void Model<double>::set_table(const DeepPotentialParameters::LatentTable&);
template void Model<float>::set_table(const DeepPotentialParameters::LatentTable&);

}  // namespace ionclay::deep_potential
