// SPDX-License-Identifier: MIT
#include "native/potential/deep_potential/parameters.hpp"

namespace ionclay {
namespace {

std::vector<double> numbers(const Tree& tree, const char* name) {
  const auto view = doubles(tree, name);
  return {view.begin(), view.end()};
}

std::vector<double> numbers_or_none(const Tree& map, const char* name) {
  return at(map, name).is_null() ? std::vector<double>() : numbers(at(map, name), name);
}

std::vector<int> indices(const Tree& tree, const char* name) {
  const auto view = integers(tree, name);
  return {view.begin(), view.end()};
}

std::vector<std::uint8_t> flags(const Tree& tree, const char* name) {
  const auto view = bytes(tree, name);
  return {view.begin(), view.end()};
}

DeepPotentialParameters::Layer layer_from(const Tree& tree) {
  DeepPotentialParameters::Layer layer;
  layer.inputs = integer(at(tree, "inputs"), "inputs", 1, 1 << 20);
  layer.outputs = integer(at(tree, "outputs"), "outputs", 1, 1 << 16);
  layer.activation = integer(at(tree, "activation"), "activation", 0, 8);
  layer.threshold = number(at(tree, "threshold"), "threshold");
  layer.shortcut = integer(at(tree, "shortcut"), "shortcut", 0, 3);
  layer.weights = numbers(at(tree, "weights"), "weights");
  layer.bias = numbers(at(tree, "bias"), "bias");
  layer.idt = numbers_or_none(tree, "idt");
  layer.slope = numbers_or_none(tree, "slope");
  layer.constant = numbers_or_none(tree, "constant");
  return layer;
}

std::vector<DeepPotentialParameters::Network> networks(const Tree& tree, const char* name) {
  std::vector<DeepPotentialParameters::Network> out;
  for (const Tree& net : list(tree, name)) out.push_back(indices(net, name));
  return out;
}

DeepPotentialParameters::FileTable file_table(const Tree& tree) {
  DeepPotentialParameters::FileTable table;
  table.lower = number(at(tree, "lower"), "lower");
  table.upper = number(at(tree, "upper"), "upper");
  table.max = number(at(tree, "max"), "max");
  table.step = number(at(tree, "step"), "step");
  table.coarse_step = number(at(tree, "coarseStep"), "coarseStep");
  table.rows = integer(at(tree, "rows"), "rows", 1, 1 << 28);
  table.single = boolean(at(tree, "single"), "single");
  table.coefficients = numbers(at(tree, "coefficients"), "coefficients");
  return table;
}

DeepPotentialParameters::Descriptor descriptor_from(const Tree& tree) {
  DeepPotentialParameters::Descriptor d;
  d.radial = boolean(at(tree, "radial"), "radial");
  d.cutoff = number(at(tree, "cutoff"), "cutoff");
  d.smooth = number(at(tree, "cutoffSmooth"), "cutoffSmooth");
  d.switch_width = number(at(tree, "switchWidth"), "switchWidth");
  d.protection = number(at(tree, "envProtection"), "envProtection");
  d.slots = number(at(tree, "slots"), "slots");
  d.mixed = boolean(at(tree, "mixed"), "mixed");
  d.per_slot = boolean(at(tree, "perSlotStatistics"), "perSlotStatistics");
  d.sel = indices(at(tree, "sel"), "sel");
  d.davg = numbers(at(tree, "davg"), "davg");
  d.dstd = numbers(at(tree, "dstd"), "dstd");
  d.width = integer(at(tree, "width"), "width", 1, 1 << 16);
  d.axis = integer(at(tree, "axis"), "axis", 0, 1 << 16);
  d.nets = networks(at(tree, "nets"), "nets");
  d.net_of = indices(at(tree, "netOf"), "netOf");
  d.pad_net_of = indices(at(tree, "padNetOf"), "padNetOf");
  if (!at(tree, "tables").is_null()) {
    for (const Tree& table : list(at(tree, "tables"), "tables")) d.tables.push_back(file_table(table));
    d.table_of = indices(at(tree, "tableOf"), "tableOf");
  }
  d.excluded = flags(at(tree, "excluded"), "excluded");
  d.strip_factors = numbers_or_none(tree, "stripFactors");
  d.strip_pad_factors = numbers_or_none(tree, "stripPadFactors");
  d.smoothing = integer(at(tree, "smoothing"), "smoothing", 0, 2);
  d.constants = numbers_or_none(tree, "constants");
  return d;
}

DeepPotentialParameters::External external(const Tree& tree) {
  if (tree.is_null()) return {};
  return {numbers(at(tree, "average"), "average"), numbers(at(tree, "inverseStd"), "inverseStd")};
}

DeepPotentialParameters::PairTable pair_table(const Tree& tree) {
  DeepPotentialParameters::PairTable table;
  table.smallest = number(at(tree, "smallest"), "smallest");
  table.step = number(at(tree, "step"), "step");
  table.cutoff = number(at(tree, "cutoff"), "cutoff");
  table.softmin_cutoff = number(at(tree, "softminCutoff"), "softminCutoff");
  table.alpha = number(at(tree, "alpha"), "alpha");
  table.from = number(at(tree, "from"), "from");
  table.to = number(at(tree, "to"), "to");
  table.cells = integer(at(tree, "cells"), "cells", 1, 1 << 24);
  table.coefficients = numbers(at(tree, "coefficients"), "coefficients");
  table.add_bias = boolean(at(tree, "addBias"), "addBias");
  return table;
}

DeepPotentialParameters::LatentTable latent_table(const Tree& tree) {
  DeepPotentialParameters::LatentTable table;
  table.descriptor = integer(at(tree, "descriptor"), "descriptor", 0, 1 << 10);
  table.centre = integer(at(tree, "centre"), "centre", 0, 1 << 10);
  table.neighbour = integer(at(tree, "neighbour"), "neighbour", 0, 1 << 10);
  table.columns = integer(at(tree, "columns"), "columns", 1, 1 << 16);
  table.degree = integer(at(tree, "degree"), "degree", 1, 32);
  table.edges = numbers(at(tree, "edges"), "edges");
  table.coefficients = numbers(at(tree, "coefficients"), "coefficients");
  table.expansion = numbers(at(tree, "expansion"), "expansion");
  table.value_error = number(at(tree, "valueError"), "valueError");
  table.slope_error = number(at(tree, "slopeError"), "slopeError");
  return table;
}

}  // namespace

DeepPotentialParameters deep_potential_parameters(const Tree& tree) {
  DeepPotentialParameters p;
  p.ntypes = integer(at(tree, "ntypes"), "ntypes", 1, 128);
  p.cutoff = number(at(tree, "cutoff"), "cutoff");
  p.native_rule = boolean(at(tree, "nativeRule"), "nativeRule");
  for (const Tree& layer : list(at(tree, "layers"), "layers")) p.layers.push_back(layer_from(layer));
  for (const Tree& d : list(at(tree, "descriptors"), "descriptors")) p.descriptors.push_back(descriptor_from(d));
  p.pair_excluded = flags(at(tree, "pairExcluded"), "pairExcluded");
  p.atom_excluded = flags(at(tree, "atomExcluded"), "atomExcluded");
  p.fitting_excluded = flags(at(tree, "fittingExcluded"), "fittingExcluded");
  p.subtract_vacuum = flags(at(tree, "subtractVacuum"), "subtractVacuum");
  p.fitting = networks(at(tree, "fitting"), "fitting");
  p.type_constants = numbers_or_none(tree, "typeConstants");
  p.frame = external(at(tree, "frameParameters"));
  p.atoms = external(at(tree, "atomParameters"));
  p.case_constants = numbers_or_none(tree, "caseConstants");
  p.atom_bias = numbers(at(tree, "atomBias"), "atomBias");
  p.out_std = numbers(at(tree, "outStd"), "outStd");
  p.out_bias = numbers(at(tree, "outBias"), "outBias");
  p.has_pair_table = !at(tree, "pairTable").is_null();
  if (p.has_pair_table) p.pair_table = pair_table(at(tree, "pairTable"));
  p.shortest_distance = number(at(tree, "shortestDistance"), "shortestDistance");
  for (const Tree& table : list(at(tree, "stored"), "stored")) p.stored.push_back(latent_table(table));
  return p;
}

}  // namespace ionclay
