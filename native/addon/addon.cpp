// SPDX-License-Identifier: MIT
// What JavaScript sees: lib/native/addon.ts lists it.
#include "native/addon/napi.hpp"

#include <cstdlib>

#include "native/addon/arguments.hpp"
#include "native/addon/deep_potential.hpp"
#include "native/addon/driver.hpp"
#include "native/addon/evaluator.hpp"
#include "native/addon/pair_histogram.hpp"
#include "native/addon/pair_potential.hpp"
#include "native/addon/pin.hpp"
#include "native/core/error.hpp"
#include "native/core/neighbour_list.hpp"
#include "native/simd/isa.hpp"

namespace ionclay::addon {
namespace {

#define IONCLAY_TEXT_(x) #x
#define IONCLAY_TEXT(x) IONCLAY_TEXT_(x)

std::string compiler() {
#if defined(__clang__)
  return "clang " IONCLAY_TEXT(__clang_major__) "." IONCLAY_TEXT(__clang_minor__);
#elif defined(__GNUC__)
  return "gcc " IONCLAY_TEXT(__GNUC__) "." IONCLAY_TEXT(__GNUC_MINOR__);
#elif defined(_MSC_VER)
  return "msvc " IONCLAY_TEXT(_MSC_VER);
#else
  return "unknown";
#endif
}

Napi::Value info(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto isas = available_isas();
    const char* forced = std::getenv("IONCLAY_ISA");
    const Isa isa = forced != nullptr && *forced != '\0' ? isa_from_name(forced) : isas.back();
    Napi::Object out = Napi::Object::New(env);
    Napi::Array names = Napi::Array::New(env, isas.size());
    for (std::uint32_t k = 0; k < isas.size(); ++k) names.Set(k, isa_name(isas[k]));
    out.Set("isa", isa_name(isa));
    out.Set("available", names);
    out.Set("hardwareThreads", hardware_threads());
    out.Set("compiler", compiler());
    return out;
  });
}

Napi::Value neighbour_list(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  return guarded(env, [&]() -> Napi::Value {
    // First what may run JavaScript (an array with getters): views of typed arrays do not outlive that.
    const auto pbc = three_booleans(call[2], "pbc");
    const auto positions = doubles(call[0], "positions");
    const auto h = doubles(call[1], "cell", 9);
    const Cell cell = Cell::make(h.data(), pbc);
    const double cutoff = number(call[3], "cutoff");
    if (!(cutoff > 0)) throw Error("E_NUMBER", "the cutoff must be positive");
    if (positions.size() % 3 != 0 || positions.empty()) throw Error("E_NUMBER", "positions must hold three numbers an atom");
    NeighbourList list;
    list.build(positions.data(), positions.size() / 3, nullptr, cell, cutoff, {integer(call[4], "threads", 1, 1024), nullptr});
    const std::size_t n = list.natoms();
    Napi::Uint32Array offsets = Napi::Uint32Array::New(env, n + 1);
    Napi::Uint32Array neighbours = Napi::Uint32Array::New(env, list.size());
    Napi::Int32Array shifts = Napi::Int32Array::New(env, 3 * list.size());
    for (std::size_t i = 0; i <= n; ++i) offsets[i] = static_cast<std::uint32_t>(list.offsets()[i]);
    const auto& wrap = list.offsets_in_cells();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::uint64_t k = list.offsets()[i]; k < list.offsets()[i + 1]; ++k) {
        const std::size_t j = static_cast<std::size_t>(list.entries()[k].atom);
        int shift[3];
        list.shift_components(static_cast<std::size_t>(list.entries()[k].shift), shift);
        neighbours[k] = static_cast<std::uint32_t>(j);
        // The list's shifts belong to wrapped positions; the caller's are as they are.
        for (int c = 0; c < 3; ++c) shifts[3 * k + c] = shift[c] - wrap[3 * j + c] + wrap[3 * i + c];
      }
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("offsets", offsets);
    out.Set("neighbours", neighbours);
    out.Set("shifts", shifts);
    return out;
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  pin_library();
  install_driver(env);
  exports.Set("info", Napi::Function::New(env, info));
  exports.Set("neighbourList", Napi::Function::New(env, neighbour_list));
  exports.Set("pairHistogram", Napi::Function::New(env, pair_histogram));
  exports.Set("createDeepPotential", Napi::Function::New(env, create_deep_potential));
  exports.Set("createPairPotential", Napi::Function::New(env, create_pair_potential));
  exports.Set("Evaluator", define_evaluator(env));
  exports.Set("createEvaluator", Napi::Function::New(env, create_evaluator));
  return exports;
}

}  // namespace
}  // namespace ionclay::addon

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return ionclay::addon::init(env, exports); }
NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
