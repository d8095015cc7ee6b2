// SPDX-License-Identifier: MIT
// Copies the flat parameter object of lib/potential/deep-potential.ts into native memory.
#include "native/addon/deep_potential.hpp"

#include "native/addon/arguments.hpp"
#include "native/addon/evaluator.hpp"
#include "native/potential/deep_potential/deep_potential.hpp"

namespace ionclay::addon {
namespace {

std::vector<double> copy_doubles(const Napi::Value& value, const char* name) {
  const auto view = doubles(value, name);
  return {view.begin(), view.end()};
}

std::vector<std::uint8_t> copy_bytes(const Napi::Value& value, const char* name) {
  const auto view = bytes(value, name);
  return {view.begin(), view.end()};
}

DeepPotentialParameters::Network network(const Napi::Value& value, const char* name) {
  DeepPotentialParameters::Network out;
  if (value.IsNull()) return out;
  const Napi::Array layers = array(value, name);
  for (std::uint32_t l = 0; l < layers.Length(); ++l) {
    const Napi::Object source = object(layers.Get(l), name);
    DeepPotentialParameters::Layer layer;
    layer.inputs = integer(at(source, "inputs"), "inputs", 1, 1 << 20);
    layer.outputs = integer(at(source, "outputs"), "outputs", 1, 1 << 16);
    layer.activation = integer(at(source, "activation"), "activation", 0, 8);
    layer.threshold = number(at(source, "threshold"), "threshold");
    layer.shortcut = integer(at(source, "shortcut"), "shortcut", 0, 2);
    layer.weights = copy_doubles(at(source, "weights"), "weights");
    layer.bias = copy_doubles(at(source, "bias"), "bias");
    if (!at(source, "idt").IsNull()) layer.idt = copy_doubles(at(source, "idt"), "idt");
    out.push_back(std::move(layer));
  }
  return out;
}

std::vector<DeepPotentialParameters::Network> networks(const Napi::Value& value, const char* name) {
  const Napi::Array list = array(value, name);
  std::vector<DeepPotentialParameters::Network> out;
  for (std::uint32_t k = 0; k < list.Length(); ++k) out.push_back(network(list.Get(k), name));
  return out;
}

DeepPotentialParameters::Table table(const Napi::Value& value) {
  DeepPotentialParameters::Table out;
  if (value.IsNull()) return out;
  const Napi::Object source = object(value, "tables");
  out.lower = number(at(source, "lower"), "lower");
  out.upper = number(at(source, "upper"), "upper");
  out.max = number(at(source, "max"), "max");
  out.step = number(at(source, "step"), "step");
  out.coarse_step = number(at(source, "coarseStep"), "coarseStep");
  out.rows = integer(at(source, "rows"), "rows", 1, 1 << 28);
  out.single = boolean(at(source, "single"), "single");
  out.coefficients = copy_doubles(at(source, "coefficients"), "coefficients");
  return out;
}

}  // namespace

Napi::Value create_deep_potential(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object source = object(info[0], "parameters");
    DeepPotentialParameters p;
    p.ntypes = integer(at(source, "ntypes"), "ntypes", 1, 128);
    p.cutoff = number(at(source, "cutoff"), "cutoff");
    p.smooth = number(at(source, "cutoffSmooth"), "cutoffSmooth");
    p.switch_width = number(at(source, "switchWidth"), "switchWidth");
    p.protection = number(at(source, "envProtection"), "envProtection");
    p.slots = number(at(source, "slots"), "slots");
    p.native_rule = boolean(at(source, "nativeRule"), "nativeRule");
    p.per_slot = boolean(at(source, "perSlotStatistics"), "perSlotStatistics");
    p.one_sided = boolean(at(source, "oneSided"), "oneSided");
    const auto sel = integers(at(source, "sel"), "sel");
    p.sel.assign(sel.begin(), sel.end());
    p.davg = copy_doubles(at(source, "davg"), "davg");
    p.dstd = copy_doubles(at(source, "dstd"), "dstd");
    p.width = integer(at(source, "width"), "width", 1, 1 << 16);
    p.axis = integer(at(source, "axis"), "axis", 1, 1 << 16);
    p.embedding = networks(at(source, "embedding"), "embedding");
    p.fitting = networks(at(source, "fitting"), "fitting");
    if (!at(source, "tables").IsNull()) {
      const Napi::Array tables = array(at(source, "tables"), "tables");
      for (std::uint32_t k = 0; k < tables.Length(); ++k) p.tables.push_back(table(tables.Get(k)));
    }
    p.excluded = copy_bytes(at(source, "excluded"), "excluded");
    p.pair_excluded = copy_bytes(at(source, "pairExcluded"), "pairExcluded");
    p.atom_excluded = copy_bytes(at(source, "atomExcluded"), "atomExcluded");
    p.fitting_excluded = copy_bytes(at(source, "fittingExcluded"), "fittingExcluded");
    p.subtract_vacuum = copy_bytes(at(source, "subtractVacuum"), "subtractVacuum");
    p.atom_bias = copy_doubles(at(source, "atomBias"), "atomBias");
    p.out_std = copy_doubles(at(source, "outStd"), "outStd");
    p.out_bias = copy_doubles(at(source, "outBias"), "outBias");
    return wrap_potential(info.Env(), std::make_shared<DeepPotential>(p, isa_from_name(text(info[1], "isa"))));
  });
}

}  // namespace ionclay::addon
