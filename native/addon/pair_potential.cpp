// SPDX-License-Identifier: MIT
// Copies the tables of lib/potential/pair/tables.ts into native memory.
#include "native/addon/pair_potential.hpp"

#include "native/addon/arguments.hpp"
#include "native/addon/evaluator.hpp"
#include "native/potential/pair/pair_potential.hpp"

namespace ionclay::addon {
namespace {

// Numbers of a row as tables.ts writes them: four flags, then the fields of pair::Row in their order.
constexpr std::size_t kRowNumbers = 21;

pair::Row row(const double* x) {
  pair::Row out;
  out.exponential = x[0] != 0.0;
  out.power = x[1] != 0.0;
  out.morse = x[2] != 0.0;
  out.coulomb = x[3] != 0.0;
  double* const fields[] = {&out.A,  &out.sigma, &out.inverse_rho,   &out.C12,  &out.C6,     &out.C8,  &out.D,
                            &out.a,  &out.r0,    &out.shift,         &out.tilt, &out.cutoff, &out.kqq, &out.alpha,
                            &out.c0, &out.c1,    &out.coulomb_cutoff};
  static_assert(sizeof fields / sizeof fields[0] == kRowNumbers - 4);
  for (std::size_t k = 0; k < kRowNumbers - 4; ++k) *fields[k] = x[4 + k];
  return out;
}

}  // namespace

Napi::Value create_pair_potential(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object source = object(info[0], "parameters");
    PairPotential::Parameters p;
    const Napi::Array species = array(at(source, "species"), "species");
    for (std::uint32_t t = 0; t < species.Length(); ++t) p.species.push_back(text(species.Get(t), "species"));
    p.cutoff = number(at(source, "cutoff"), "cutoff");
    const auto rows = doubles(at(source, "rows"), "rows");
    if (rows.size() % kRowNumbers != 0) throw Napi::TypeError::New(info.Env(), "rows: expected 21 numbers a row");
    for (std::size_t k = 0; k < rows.size(); k += kRowNumbers) p.rows.push_back(row(rows.data() + k));
    const auto first_row = integers(at(source, "firstRow"), "firstRow");
    p.first_row.assign(first_row.begin(), first_row.end());
    const auto self = doubles(at(source, "selfEnergies"), "selfEnergies");
    p.self_energies.assign(self.begin(), self.end());
    const auto barriers = doubles(at(source, "barriers"), "barriers");
    p.barriers.assign(barriers.begin(), barriers.end());
    return wrap_potential(info.Env(), std::make_shared<PairPotential>(std::move(p), isa_from_name(text(info[1], "isa"))));
  });
}

}  // namespace ionclay::addon
