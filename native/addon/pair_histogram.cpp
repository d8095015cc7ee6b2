// SPDX-License-Identifier: MIT
#include "native/addon/pair_histogram.hpp"

#include "native/addon/arguments.hpp"
#include "native/analysis/pair_histogram.hpp"
#include "native/core/error.hpp"

namespace ionclay::addon {

Napi::Value pair_histogram(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  return guarded(env, [&]() -> Napi::Value {
    // First what may run JavaScript (an array with getters): views of typed arrays do not outlive that.
    const auto pbc = three_booleans(call[2], "pbc");
    const auto positions = doubles(call[0], "positions");
    const auto h = doubles(call[1], "cell", 9);
    const Cell cell = Cell::make(h.data(), pbc);
    if (positions.size() % 3 != 0 || positions.empty()) throw Error("E_NUMBER", "positions must hold three numbers an atom");
    const std::size_t natoms = positions.size() / 3;
    const auto groups = integers(call[3], "groups", natoms);
    const int ngroups = integer(call[4], "ngroups", 1, 1024);
    for (std::size_t i = 0; i < natoms; ++i) {
      if (groups[i] < -1 || groups[i] >= ngroups) {
        throw Error("E_NUMBER", "groups must hold -1 or an index below ngroups", static_cast<std::int64_t>(i));
      }
    }
    const double width = number(call[5], "binWidth");
    const int bins = integer(call[6], "bins", 1, 10000000);
    if (!(width > 0)) throw Error("E_NUMBER", "the bin width must be positive");
    const auto size = static_cast<std::size_t>(ngroups) * ngroups * static_cast<std::size_t>(bins);
    const auto counts = doubles(call[7], "counts", size);
    ionclay::pair_histogram(positions.data(), natoms, cell, groups.data(), ngroups, width, static_cast<std::size_t>(bins),
                            counts.data(), {integer(call[8], "threads", 1, 1024), nullptr});
    return env.Undefined();
  });
}

}  // namespace ionclay::addon
