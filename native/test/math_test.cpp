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
    edges(functions);
  }
  return ionclay::test::finish("math_test");
}
