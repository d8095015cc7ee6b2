// SPDX-License-Identifier: MIT
#include "native/addon/deep_potential.hpp"

#include "native/addon/arguments.hpp"
#include "native/addon/evaluator.hpp"
#include "native/addon/tree.hpp"
#include "native/potential/deep_potential/deep_potential.hpp"

namespace ionclay::addon {
namespace {

Napi::Float64Array array_of(Napi::Env env, const std::vector<double>& values) {
  Napi::Float64Array out = Napi::Float64Array::New(env, values.size());
  std::copy(values.begin(), values.end(), out.Data());
  return out;
}

// StoredTable of lib/potential/deep-potential-parameters.ts.
Napi::Object table_object(Napi::Env env, const DeepPotentialParameters::LatentTable& table) {
  Napi::Object out = Napi::Object::New(env);
  const auto number = [&](const char* name, double value) { out.Set(name, Napi::Number::New(env, value)); };
  number("descriptor", table.descriptor);
  number("centre", table.centre);
  number("neighbour", table.neighbour);
  number("columns", table.columns);
  number("degree", table.degree);
  out.Set("edges", array_of(env, table.edges));
  out.Set("coefficients", array_of(env, table.coefficients));
  out.Set("expansion", array_of(env, table.expansion));
  number("valueError", table.value_error);
  number("slopeError", table.slope_error);
  return out;
}

// Tables of all pairs of types, on the calling thread and the pool.
Napi::Value tables(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto potential = std::dynamic_pointer_cast<const DeepPotential>(unwrap_potential(info.This()));
    if (potential == nullptr) throw Napi::TypeError::New(env, "tables: not a Deep Potential");
    const auto made = potential->tables({hardware_threads(), nullptr});
    Napi::Array out = Napi::Array::New(env, made.size());
    for (std::uint32_t k = 0; k < made.size(); ++k) out.Set(k, table_object(env, made[k]));
    return out;
  });
}

}  // namespace

Napi::Value create_deep_potential(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Isa isa = isa_from_name(text(info[1], "isa"));
    const Napi::Object options = object(info[2], "options");
    DeepPotentialOptions wanted;
    const std::string precision = text(at(options, "precision"), "precision");
    if (precision != "double" && precision != "mixed") throw Napi::TypeError::New(env, "precision: expected double or mixed");
    wanted.mixed = precision == "mixed";
    wanted.compressed = boolean(at(options, "compression"), "compression");
    // Last of what may run JavaScript: the tree's arrays are views.
    const Tree tree = tree_of(info[0], "parameters");
    const auto potential = std::make_shared<DeepPotential>(deep_potential_parameters(tree), isa, wanted);
    const Napi::Object handle = wrap_potential(env, potential).As<Napi::Object>();
    handle.Set("frameParameters", Napi::Number::New(env, static_cast<double>(potential->fparam_count())));
    handle.Set("tables", Napi::Function::New(env, tables, "tables"));
    return handle;
  });
}

}  // namespace ionclay::addon
