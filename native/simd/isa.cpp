// SPDX-License-Identifier: MIT
#include "native/simd/isa.hpp"

#include "native/core/error.hpp"

#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
#include <immintrin.h>
#include <intrin.h>
#endif

namespace ionclay {

#if defined(IONCLAY_HAVE_X86)
namespace {

struct Features {
  bool avx2 = false;
  bool avx512 = false;
};

Features detect() {
  Features features;
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
  __builtin_cpu_init();
  features.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
#elif defined(_MSC_VER) && defined(_M_X64)
  int leaf[4];
  __cpuid(leaf, 1);
  const bool osxsave = leaf[2] & (1 << 27);
  const bool fma = leaf[2] & (1 << 12);
  if (osxsave) {
    const unsigned long long state = _xgetbv(0);
    __cpuidex(leaf, 7, 0);
    features.avx2 = fma && (leaf[1] & (1 << 5)) && (state & 6) == 6;
    features.avx512 =
        features.avx2 && (leaf[1] & (1 << 16)) && (leaf[1] & (1 << 17)) && (leaf[1] & (1u << 31)) && (state & 0xe6) == 0xe6;
  }
#endif
  return features;
}

}  // namespace
#endif

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::neon: return "neon";
    default: return "baseline";
  }
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas{Isa::baseline};
#if defined(IONCLAY_HAVE_X86)
  const Features features = detect();
  if (features.avx2) isas.push_back(Isa::avx2);
  if (features.avx512) isas.push_back(Isa::avx512);
#elif defined(IONCLAY_HAVE_NEON)
  isas.push_back(Isa::neon);
#endif
  return isas;
}

Isa isa_from_name(const std::string& name) {
  std::string known;
  for (const Isa isa : available_isas()) {
    if (name == isa_name(isa)) return isa;
    known += known.empty() ? "" : ", ";
    known += isa_name(isa);
  }
  throw Error("ISA_UNAVAILABLE", "instruction set \"" + name + "\" is not available here; available: " + known);
}

}  // namespace ionclay
