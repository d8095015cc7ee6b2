// SPDX-License-Identifier: MIT
// Tables of functions that are known exactly: error below what was asked for between the points they were made from, value and slope
// continuous where panels meet, as few latent columns as there are independent functions, and no table for what has kinks.
#include "native/potential/deep_potential/tables.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "native/test/check.hpp"

namespace {

using namespace ionclay::deep_potential;
using Table = ionclay::DeepPotentialParameters::LatentTable;

// Value and slope of column m at r.
using Family = std::function<void(double r, int m, double& value, double& slope)>;

TableTask task_of(int width, double tolerance, double lower = 0.8, double middle = 2.0, double upper = 6.0) {
  TableTask task;
  task.lower = lower;
  task.middle = middle;
  task.upper = upper;
  task.width = width;
  task.stride = width + 3;  // rows are padded
  task.weight = [](double) { return 1.0; };
  task.tolerance = tolerance;
  task.number_bytes = 8;
  task.neighbours = 1;
  return task;
}

PairFunction rows_of(const TableTask& task, const Family& family) {
  return [&task, family](const double* r, int n, double* g, double* dg) {
    for (int i = 0; i < n; ++i) {
      for (int m = 0; m < task.stride; ++m) {
        double* value = g + static_cast<std::size_t>(i) * task.stride + m;
        double* slope = dg + static_cast<std::size_t>(i) * task.stride + m;
        *value = *slope = std::numeric_limits<double>::quiet_NaN();  // padding must not be looked at
        if (m < task.width) family(r[i], m, *value, *slope);
      }
    }
  };
}

// Latent columns and their slopes in panel k at u.
void panel_at(const Table& table, std::size_t k, double u, std::vector<double>& value, std::vector<double>& slope) {
  const std::size_t q = static_cast<std::size_t>(table.columns);
  const double width = table.edges[k + 1] - table.edges[k];
  value.assign(q, 0.0);
  slope.assign(q, 0.0);
  for (std::size_t c = 0; c < q; ++c) {
    for (int power = table.degree; power >= 0; --power) {
      slope[c] = slope[c] * u + value[c];
      value[c] = value[c] * u + table.coefficients[(k * (static_cast<std::size_t>(table.degree) + 1) + power) * q + c];
    }
    slope[c] /= width;
  }
}

struct Errors {
  double slope = 0.0;  // root of the sum over columns, the worst distance, relative to what `allowed` means
  double jump = 0.0;   // of value and slope at edges, relative to the largest
};

Errors errors_of(const Table& table, const TableTask& task, const Family& family) {
  Errors out;
  const std::size_t q = static_cast<std::size_t>(table.columns), m = static_cast<std::size_t>(task.width);
  // Root mean square of dG/dr, weighted by r^2, as tables.hpp says.
  double sum = 0.0, volume = 0.0;
  const auto norm_at = [&](double r) {
    double norm = 0.0;
    for (int k = 0; k < task.width; ++k) {
      double value, slope;
      family(r, k, value, slope);
      norm += slope * slope + value * value / (r * r);
    }
    return task.weight(r) * std::sqrt(norm);
  };
  for (int i = 0; i < 4000; ++i) {
    const double r = task.lower + (task.upper - task.lower) * (i + 0.5) / 4000;
    sum += r * r * norm_at(r) * norm_at(r);
    volume += r * r;
  }
  const double rms = std::sqrt(sum / volume);
  std::vector<double> value, slope, next, next_slope;
  double largest = 1e-300, largest_slope = 1e-300, jump = 0.0, jump_slope = 0.0;
  for (std::size_t k = 0; k + 1 < table.edges.size(); ++k) {
    const double width = table.edges[k + 1] - table.edges[k];
    for (int j = 0; j < 13; ++j) {
      const double u = (j + 0.37) / 13;
      const double r = table.edges[k] + u * width;
      panel_at(table, k, u, value, slope);
      for (std::size_t c = 0; c < q; ++c) {
        largest = std::max(largest, std::fabs(value[c]));
        largest_slope = std::max(largest_slope, std::fabs(slope[c]));
      }
      double worst = 0.0;
      for (std::size_t a = 0; a < m; ++a) {
        double g = 0.0, dg = 0.0, want, want_slope;
        for (std::size_t c = 0; c < q; ++c) {
          g += value[c] * table.expansion[c * m + a];
          dg += slope[c] * table.expansion[c * m + a];
        }
        family(r, static_cast<int>(a), want, want_slope);
        worst += (dg - want_slope) * (dg - want_slope) + (g - want) * (g - want) / (r * r);
      }
      out.slope = std::max(out.slope, task.weight(r) * std::sqrt(worst) / (task.tolerance * (rms + norm_at(r) / 3.0)));
    }
    if (k + 2 == table.edges.size()) break;
    panel_at(table, k, 1.0, value, slope);
    panel_at(table, k + 1, 0.0, next, next_slope);
    for (std::size_t c = 0; c < q; ++c) {
      jump = std::max(jump, std::fabs(value[c] - next[c]));
      jump_slope = std::max(jump_slope, std::fabs(slope[c] - next_slope[c]));
    }
  }
  out.jump = std::max(jump / largest, jump_slope / largest_slope);
  return out;
}

void check_family(const char* name, int width, std::size_t rank, double tolerance, const Family& family) {
  const TableTask task = task_of(width, tolerance);
  const auto table = make_table(task, rows_of(task, family));
  CHECK(table.has_value());
  if (!table) {
    std::printf("%s: no table\n", name);
    return;
  }
  CHECK(table->edges.front() == task.lower && table->edges.back() == task.upper);
  bool ascending = true, middle = false;
  for (std::size_t k = 0; k + 1 < table->edges.size(); ++k) {
    ascending = ascending && table->edges[k + 1] > table->edges[k];
    middle = middle || table->edges[k] == task.middle;
  }
  CHECK(ascending && middle);
  const std::size_t panels = table->edges.size() - 1, powers = static_cast<std::size_t>(table->degree) + 1;
  const std::size_t q = static_cast<std::size_t>(table->columns);
  CHECK(table->degree == 5 || table->degree == 7);
  CHECK(table->coefficients.size() == panels * powers * q && table->expansion.size() == q * static_cast<std::size_t>(width));
  // As few columns as independent functions, up to whole vectors of four.
  CHECK(q <= std::min<std::size_t>((rank + 3) / 4 * 4, static_cast<std::size_t>(width)));
  // Half of what is allowed for the columns left out, half for the panels.
  const Errors errors = errors_of(*table, task, family);
  // Both ends take value and slope from the same samples: rounding, and in `slope` the width of a panel divides it.
  const bool good = errors.slope < 1.0 && errors.jump < 1e-12;
  if (!good) std::printf("%s: error %g of what is allowed, jump %g\n", name, errors.slope, errors.jump);
  CHECK(good);
  CHECK(table->slope_error < 10.0 * tolerance && table->value_error < 10.0 * tolerance);
  // The same bits again.
  if (tolerance < 1e-6) return;
  const auto again = make_table(task, rows_of(task, family));
  CHECK(again && again->edges == table->edges && again->coefficients == table->coefficients &&
        again->expansion == table->expansion);
}

void analytic_families() {
  for (const double tolerance : {1e-5, 1e-8}) {
    check_family("sines", 12, 12, tolerance, [](double r, int m, double& value, double& slope) {
      const double k = 0.3 + 0.4 * m;
      value = std::sin(k * r + m);
      slope = k * std::cos(k * r + m);
    });
    check_family("exponentials", 9, 9, tolerance, [](double r, int m, double& value, double& slope) {
      const double k = 0.2 + 0.5 * m;
      value = std::exp(-k * r);
      slope = -k * value;
    });
    check_family("steep", 4, 4, tolerance, [](double r, int m, double& value, double& slope) {
      value = std::tanh(20.0 * (r - 3.0) + m);
      slope = 20.0 * (1.0 - value * value);
    });
    check_family("rank one", 30, 1, tolerance, [](double r, int m, double& value, double& slope) {
      const double factor = std::cos(1.0 + 7.0 * m);
      value = factor * std::exp(-r) * std::sin(3.0 * r);
      slope = factor * std::exp(-r) * (3.0 * std::cos(3.0 * r) - std::sin(3.0 * r));
    });
    check_family("rank three", 30, 3, tolerance, [](double r, int m, double& value, double& slope) {
      const double a = std::cos(m), b = std::sin(2.0 * m), c = std::cos(5.0 * m + 1.0);
      value = a * r + b * std::sin(r) + c * std::exp(-0.5 * r);
      slope = a + b * std::cos(r) - 0.5 * c * std::exp(-0.5 * r);
    });
    // The switch: its second derivative jumps at the middle, where an edge must lie.
    check_family("switched", 2, 2, tolerance, [](double r, int m, double& value, double& slope) {
      const double u = (r - 2.0) / 4.0;
      const double w = u <= 0.0 ? 1.0 : 1.0 + u * u * u * (-10.0 + u * (15.0 - 6.0 * u));
      const double dw = u <= 0.0 ? 0.0 : u * u * (-30.0 + u * (60.0 - 30.0 * u)) / 4.0;
      value = w / r + m;
      slope = dw / r - w / (r * r);
    });
    check_family("one column", 1, 1, tolerance, [](double r, int, double& value, double& slope) {
      value = r * r;
      slope = 2.0 * r;
    });
  }
}

void none_where_there_cannot_be_one() {
  const auto table_of = [](const TableTask& task, const Family& family) { return make_table(task, rows_of(task, family)); };
  const TableTask task = task_of(3, 1e-8);
  CHECK(!table_of(task, [](double r, int m, double& value, double& slope) {  // a kink
    value = std::fabs(r - 3.1 - 0.2 * m);
    slope = r > 3.1 + 0.2 * m ? 1.0 : -1.0;
  }));
  CHECK(!table_of(task, [](double r, int, double& value, double& slope) {  // a jump
    value = r > 4.0 ? 1.0 : 0.0;
    slope = 0.1;
  }));
  CHECK(!table_of(task, [](double r, int, double& value, double& slope) {  // too fast for any panel
    value = std::sin(3e4 * r);
    slope = 3e4 * std::cos(3e4 * r);
  }));
  CHECK(!table_of(task, [](double, int, double& value, double& slope) { value = slope = 0.0; }));
  for (const double bad : {std::nan(""), HUGE_VAL, 1e300}) {
    CHECK(!table_of(task, [&](double r, int m, double& value, double& slope) {
      value = r > 3.0 && m == 1 ? bad : r;
      slope = 1.0;
    }));
    TableTask weighted = task;
    weighted.weight = [&](double) { return bad; };
    const Family line = [](double r, int, double& value, double& slope) {
      value = r;
      slope = 1.0;
    };
    if (bad != 1e300) CHECK(!table_of(weighted, line));
    TableTask long_ranged = task_of(3, 1e-8, 0.8, 2.0, bad);
    CHECK(!table_of(long_ranged, line));
  }
}

// More outputs than samples, and more than a table is ever worth.
void wide_nets() {
  const Family family = [](double r, int m, double& value, double& slope) {
    const double k = 0.1 * (m % 37);
    value = std::sin(k * r + m);
    slope = k * std::cos(k * r + m);
  };
  const TableTask wide = task_of(100, 1e-6, 0.5, 0.55, 0.65);
  const auto table = make_table(wide, rows_of(wide, family));
  CHECK(table && table->columns < 60 && errors_of(*table, wide, family).slope < 1.0);
  const TableTask too_wide = task_of(5000, 1e-6);
  CHECK(!make_table(too_wide, rows_of(too_wide, family)));
}

}  // namespace

int main() {
  analytic_families();
  none_where_there_cannot_be_one();
  wide_nets();
  return ionclay::test::finish("tables_test");
}
