// SPDX-License-Identifier: MIT
// Errors of the vector functions in units in the last place (ulp), for every instruction set of this machine, against the C library's
// long double functions (64-bit mantissa on x86: their own error is below 0.001 ulp of a double).
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "native/simd/isa.hpp"
#include "native/test/check.hpp"
#include "native/test/math_functions.hpp"

namespace {

using ionclay::Isa;
using ionclay::test::Loop;
using ionclay::test::LoopF;
using ionclay::test::MathFunctions;

// Where long double is double (MSVC, arm64 macOS) the reference itself may be off by one unit.
constexpr double kSlack = LDBL_MANT_DIG > DBL_MANT_DIG ? 0.0 : 1.0;

const MathFunctions& functions_of(Isa isa) {
  switch (isa) {
#if defined(IONCLAY_HAVE_X86)
    case Isa::avx2: return ionclay::test::math_avx2;
    case Isa::avx512: return ionclay::test::math_avx512;
#elif defined(IONCLAY_HAVE_NEON)
    case Isa::neon: return ionclay::test::math_neon;
#endif
    default: return ionclay::test::math_baseline;
  }
}

// Distance of x to the double next to the exact value, in spacings of doubles there.
double ulp_error(double x, long double exact) {
  if (!std::isfinite(x)) return std::numeric_limits<double>::infinity();
  const double magnitude = std::max(static_cast<double>(std::fabs(exact)), DBL_MIN);
  const double spacing = std::nextafter(magnitude, std::numeric_limits<double>::infinity()) - magnitude;
  return static_cast<double>(std::fabs(static_cast<long double>(x) - exact) / spacing);
}

// Points over a range: even steps with an irrational offset, and every power of two inside with its neighbours, of both signs.
std::vector<double> points(double low, double high, int n) {
  std::vector<double> xs;
  for (int i = 0; i < n; ++i) xs.push_back(low + (high - low) * std::fmod(0.5 + 0.6180339887498949 * i, 1.0));
  for (int power = -60; power <= 10; ++power) {
    for (const double sign : {-1.0, 1.0}) {
      const double x = std::ldexp(sign, power);
      for (const double y : {std::nextafter(x, -1e300), x, std::nextafter(x, 1e300)}) {
        if (y >= low && y <= high) xs.push_back(y);
      }
    }
  }
  return xs;
}

struct Case {
  const char* name;
  Loop MathFunctions::* function;
  long double (*exact)(long double);
  double low, high;
  double limit;
};

long double exact_softplus(long double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }

// The limits are those that math.hpp states. The interpolant of erfc.hpp is good to 4e-16 relative, and the three roundings at its end
// add 1.1e-16 each: 7.3e-16 in all, which is 6.6 ulp where the result lies just below a power of two.
long double exact_erfc_scaled(long double x) { return std::exp(x * x) * std::erfc(x); }

const Case kCases[] = {
    {"exp", &MathFunctions::exp, [](long double x) { return std::exp(x); }, -700.0, 700.0, 2.0},
    {"exp near 0", &MathFunctions::exp, [](long double x) { return std::exp(x); }, -1.0, 1.0, 2.0},
    {"expm1", &MathFunctions::expm1, [](long double x) { return std::expm1(x); }, -40.0, 40.0, 3.0},
    {"expm1 near 0", &MathFunctions::expm1, [](long double x) { return std::expm1(x); }, -0.01, 0.01, 3.0},
    {"tanh", &MathFunctions::tanh, [](long double x) { return std::tanh(x); }, -25.0, 25.0, 4.0},
    {"tanh near 0", &MathFunctions::tanh, [](long double x) { return std::tanh(x); }, -0.5, 0.5, 4.0},
    {"erfc_scaled", &MathFunctions::erfc_scaled, exact_erfc_scaled, 0.0, 7.0, 6.6},
    {"softplus", &MathFunctions::softplus, exact_softplus, -30.0, 30.0, 4.0},
    // Correctly rounded on every machine.
    {"sqrt", &MathFunctions::sqrt, [](long double x) { return std::sqrt(x); }, 0.0, 1000.0, 0.5},
    {"round", &MathFunctions::round, [](long double x) { return std::nearbyint(x); }, -1000.0, 1000.0, 0.0},
};

void accuracy(const char* isa, const MathFunctions& functions) {
  for (const Case& c : kCases) {
    std::vector<double> xs = points(c.low, c.high, 200000);
    std::vector<double> ys(xs.size());
    (functions.*c.function)(xs.data(), ys.data(), static_cast<int>(xs.size()));
    double worst = 0.0;
    double at = 0.0;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double error = ulp_error(ys[i], c.exact(xs[i]));
      if (error > worst) {
        worst = error;
        at = xs[i];
      }
    }
    std::printf("  %-9s %-13s %.3f ulp (at %.17g), allowed %.1f\n", isa, c.name, worst, at, c.limit);
    CHECK(worst <= c.limit + kSlack);
  }
}

// Single precision against the double functions of the C library, in spacings of floats.
struct CaseF {
  const char* name;
  LoopF MathFunctions::* function;
  double (*exact)(double);
  double low, high;
  double limit;
};

double exact_softplus_f(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }

const CaseF kCasesF[] = {
    {"exp f", &MathFunctions::exp_f, [](double x) { return std::exp(x); }, -86.0, 87.0, 2.0},
    {"exp f near 0", &MathFunctions::exp_f, [](double x) { return std::exp(x); }, -1.0, 1.0, 2.0},
    {"expm1 f", &MathFunctions::expm1_f, [](double x) { return std::expm1(x); }, -40.0, 40.0, 3.0},
    {"expm1 f near 0", &MathFunctions::expm1_f, [](double x) { return std::expm1(x); }, -0.01, 0.01, 3.0},
    {"tanh f", &MathFunctions::tanh_f, [](double x) { return std::tanh(x); }, -12.0, 12.0, 4.0},
    {"tanh f near 0", &MathFunctions::tanh_f, [](double x) { return std::tanh(x); }, -0.5, 0.5, 4.0},
    {"softplus f", &MathFunctions::softplus_f, exact_softplus_f, -30.0, 30.0, 4.0},
    {"round f", &MathFunctions::round_f, [](double x) { return std::nearbyint(x); }, -1000.0, 1000.0, 0.0},
};

double ulp_error_f(float x, double exact) {
  if (!std::isfinite(x)) return std::numeric_limits<double>::infinity();
  const float magnitude = std::max(static_cast<float>(std::fabs(exact)), FLT_MIN);
  const double spacing = static_cast<double>(std::nextafter(magnitude, std::numeric_limits<float>::infinity())) - magnitude;
  return std::fabs(static_cast<double>(x) - exact) / spacing;
}

void accuracy_f(const char* isa, const MathFunctions& functions) {
  for (const CaseF& c : kCasesF) {
    std::vector<float> xs;
    for (const double x : points(c.low, c.high, 200000)) xs.push_back(static_cast<float>(x));
    std::vector<float> ys(xs.size());
    (functions.*c.function)(xs.data(), ys.data(), static_cast<int>(xs.size()));
    double worst = 0.0;
    double at = 0.0;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double error = ulp_error_f(ys[i], c.exact(xs[i]));
      if (error > worst) {
        worst = error;
        at = xs[i];
      }
    }
    std::printf("  %-9s %-14s %.3f ulp (at %.9g), allowed %.1f\n", isa, c.name, worst, at, c.limit);
    CHECK(worst <= c.limit);
  }
}

void edges_f(const MathFunctions& functions) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float xs[] = {1000.0f, -1000.0f, infinity, -infinity, 0.0f, -0.0f, 1e-30f, -1e-30f};
  float ys[8];
  functions.tanh_f(xs, ys, 8);
  CHECK(ys[0] == 1.0f && ys[1] == -1.0f && ys[2] == 1.0f && ys[3] == -1.0f);
  CHECK(ys[4] == 0.0f && ys[5] == 0.0f);
  CHECK(ys[6] == 1e-30f && ys[7] == -1e-30f);
  functions.exp_f(xs, ys, 8);
  CHECK(std::isfinite(ys[0]) && ys[0] > 1e38f && ys[1] > 0.0f && ys[1] < 2e-38f);
  CHECK(ys[4] == 1.0f && ys[5] == 1.0f);
  for (const LoopF function : {functions.exp_f, functions.expm1_f, functions.tanh_f, functions.softplus_f}) {
    float nans[16];
    std::fill(nans, nans + 16, std::numeric_limits<float>::quiet_NaN());
    function(nans, nans, 16);
    for (const float y : nans) CHECK(std::isnan(y));
  }
  const float halves[] = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 3.5f, 4.5f, -2.5f};
  const float even[] = {0.0f, 2.0f, 2.0f, 0.0f, -2.0f, 4.0f, 4.0f, -2.0f};
  functions.round_f(halves, ys, 8);
  for (int i = 0; i < 8; ++i) CHECK(ys[i] == even[i]);
}

// Whatever moves lanes about, against a loop over lanes; the sums are of whole numbers, and so exact in any order.
void lanes(const MathFunctions& functions) {
  const auto& lane = functions.lanes;
  const int width = functions.width, width_f = functions.width_f;
  CHECK(width_f == 2 * width);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> vectors(4 * width);
  std::vector<float> vectors_f(4 * width_f);
  for (int i = 0; i < 4 * width; ++i) vectors[i] = (i % 3 == 0 ? -1 : 1) * (1 << (i % 20));
  for (int i = 0; i < 4 * width_f; ++i) vectors_f[i] = static_cast<float>((i % 3 == 0 ? -1 : 1) * (1 << (i % 12)));
  double sums[4], sums_f[4];
  lane.reduce_add4(vectors.data(), sums);
  lane.reduce_add4_f(vectors_f.data(), sums_f);
  for (int v = 0; v < 4; ++v) {
    double sum = 0.0, sum_f = 0.0;
    for (int i = 0; i < width; ++i) sum += vectors[v * width + i];
    for (int i = 0; i < width_f; ++i) sum_f += vectors_f[v * width_f + i];
    CHECK(sums[v] == sum && lane.reduce_add(&vectors[v * width]) == sum);
    CHECK(sums_f[v] == sum_f);
  }

  std::vector<double> wide(width_f), back(width_f);
  std::vector<float> narrow(width_f);
  lane.widen(vectors_f.data(), wide.data());
  for (int i = 0; i < width_f; ++i) CHECK(wide[i] == vectors_f[i]);
  for (int i = 0; i < width_f; ++i) back[i] = 0.1 * (i + 1);
  lane.narrow(back.data(), narrow.data());
  for (int i = 0; i < width_f; ++i) CHECK(narrow[i] == static_cast<float>(0.1 * (i + 1)));

  for (unsigned set = 0; set < (1u << width); ++set) {
    std::vector<double> out(2 * width, -7.0);
    lane.compress_store(vectors.data(), set, out.data());
    int n = 0;
    bool right = true;
    for (int i = 0; i < width; ++i) {
      if ((set & (1u << i)) != 0) right = right && out[n++] == vectors[i];
    }
    for (int i = width; i < 2 * width; ++i) right = right && out[i] == -7.0;
    CHECK(right);
  }

  std::vector<std::int32_t> index(width);
  for (int i = 0; i < width; ++i) index[i] = (5 * i + 2) % (4 * width);
  std::vector<double> gathered(width);
  lane.gather(vectors.data(), index.data(), gathered.data());
  for (int i = 0; i < width; ++i) CHECK(gathered[i] == vectors[index[i]]);

  // Every pair of these in every lane: smaller, larger, equal, zeros of both signs, not a number.
  const double values[] = {-2.0, -0.0, 0.0, 1.0, 3.0, nan};
  for (int shift = 0; shift < 36; ++shift) {
    std::vector<double> a(width), b(width), chosen(3 * width);
    std::vector<float> af(width_f), bf(width_f), chosen_f(3 * width_f);
    for (int i = 0; i < width_f; ++i) {
      const int pair = (shift + i) % 36;
      af[i] = static_cast<float>(values[pair / 6]);
      bf[i] = static_cast<float>(values[pair % 6]);
      if (i < width) a[i] = values[pair / 6], b[i] = values[pair % 6];
    }
    unsigned got[6];
    lane.compare(a.data(), b.data(), got);
    unsigned want[6] = {0, 0, 0, 0, 0, 0};
    for (int i = 0; i < width; ++i) {
      const bool results[6] = {a[i]<b[i], a[i] <= b[i], a[i]> b[i], a[i] >= b[i], a[i] < b[i] && a[i] > 0,
                               a[i] < b[i] || a[i] > 0};
      for (int k = 0; k < 6; ++k) want[k] |= results[k] ? 1u << i : 0u;
    }
    CHECK(std::equal(got, got + 6, want));
    lane.choose(a.data(), b.data(), chosen.data());
    lane.choose_f(af.data(), bf.data(), chosen_f.data());
    // The rule of vec.hpp: the second argument where one is not a number. Zeros of both signs count as equal.
    const auto same = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
    bool right = true;
    for (int i = 0; i < width; ++i) {
      right = right && same(chosen[i], a[i] < b[i] ? a[i] : b[i]) && same(chosen[width + i], a[i] < b[i] ? a[i] : b[i]) &&
              same(chosen[2 * width + i], a[i] > b[i] ? a[i] : b[i]);
    }
    for (int i = 0; i < width_f; ++i) {
      right = right && same(chosen_f[i], af[i] < bf[i] ? af[i] : bf[i]) &&
              same(chosen_f[width_f + i], af[i] < bf[i] ? af[i] : bf[i]) &&
              same(chosen_f[2 * width_f + i], af[i] > bf[i] ? af[i] : bf[i]);
    }
    CHECK(right);
  }
}

// What a network may feed in: out of range, signed zeros, and every length of a last partial vector.
void edges(const MathFunctions& functions) {
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> xs = {1000.0, -1000.0, infinity, -infinity, 0.0, -0.0, 1e-300, -1e-300};
  std::vector<double> ys(xs.size());
  const int n = static_cast<int>(xs.size());
  functions.tanh(xs.data(), ys.data(), n);
  CHECK(ys[0] == 1.0 && ys[1] == -1.0 && ys[2] == 1.0 && ys[3] == -1.0);
  CHECK(ys[4] == 0.0 && ys[5] == 0.0);
  CHECK(ys[6] == 1e-300 && ys[7] == -1e-300);
  functions.exp(xs.data(), ys.data(), n);
  CHECK(std::isfinite(ys[0]) && ys[0] > 1e307 && ys[1] > 0.0 && ys[1] < 1e-307);
  CHECK(ys[4] == 1.0 && ys[5] == 1.0);
  // A NaN from broken parameters must come out as one: clamping it would make a plausible energy of it.
  for (const Loop function : {functions.exp, functions.expm1, functions.tanh, functions.erfc_scaled, functions.softplus}) {
    const std::vector<double> nans(8, std::numeric_limits<double>::quiet_NaN());
    function(nans.data(), ys.data(), 8);
    for (int i = 0; i < 8; ++i) CHECK(std::isnan(ys[i]));
  }
  const double halves[] = {0.5, 1.5, 2.5, -0.5, -1.5, 3.5, 4.5, -2.5};
  functions.round(halves, ys.data(), 8);
  const double even[] = {0.0, 2.0, 2.0, 0.0, -2.0, 4.0, 4.0, -2.0};
  for (int i = 0; i < 8; ++i) CHECK(ys[i] == even[i]);

  // A partial vector gives the same bits as a whole one, and writes nothing behind its end.
  for (int length = 1; length <= 2 * functions.width; ++length) {
    std::vector<double> in(length), whole(64, 0.0), part(length + 4, -7.0), padded(64, 0.25);
    for (int i = 0; i < length; ++i) padded[i] = in[i] = 0.37 * (i + 1) - 1.1;
    functions.tanh(padded.data(), whole.data(), 64);
    functions.tanh(in.data(), part.data(), length);
    CHECK(std::memcmp(whole.data(), part.data(), sizeof(double) * length) == 0);
    for (int i = 0; i < 4; ++i) CHECK(part[length + i] == -7.0);
  }
}

}  // namespace

int main() {
  for (const Isa isa : ionclay::available_isas()) {
    const MathFunctions& functions = functions_of(isa);
    accuracy(ionclay::isa_name(isa), functions);
    accuracy_f(ionclay::isa_name(isa), functions);
    edges(functions);
    edges_f(functions);
    lanes(functions);
  }
  return ionclay::test::finish("math_test");
}
