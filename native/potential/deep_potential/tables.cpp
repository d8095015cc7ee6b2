// SPDX-License-Identifier: MIT
// How a table is made: the net is sampled finely (piecewise Chebyshev interpolants, the stand-in for the net from then on); the leading
// right singular vectors of the samples are the latent columns; panels are laid from the inside out, each as wide as the error allows.
// Value and slope are continuous from panel to panel, so that energy is conserved.
#include "native/potential/deep_potential/tables.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ionclay::deep_potential {
namespace {

using Table = DeepPotentialParameters::LatentTable;

constexpr double kPi = 3.14159265358979323846;
constexpr int kNodes = 11;            // Chebyshev nodes of a sampling interval
constexpr double kInterval = 0.03;    // A, its greatest width
constexpr double kNarrowest = 0.004;  // A, of a panel
constexpr double kWidest = 1.0;       // A
constexpr std::size_t kMostPanels = 768;
constexpr int kWidestNet = 512;    // outputs: singular vectors cost their cube
constexpr double kLongest = 64.0;  // A, of a table
constexpr int kChecks = 16;        // points of a panel where the error is looked at

// The net by Chebyshev coefficients on intervals.
struct Samples {
  std::vector<double> edges;
  int columns = 0;
  std::vector<double> nodes;         // distances, [intervals][kNodes]
  std::vector<double> coefficients;  // [intervals][kNodes][columns]

  std::size_t intervals() const { return edges.size() - 1; }

  std::size_t interval_of(double r) const {
    const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, r);
    return static_cast<std::size_t>(above - edges.begin()) - 1;
  }

  // Value and slope of all columns at r.
  void evaluate(double r, double* value, double* slope) const {
    const std::size_t k = interval_of(r);
    const double half = 0.5 * (edges[k + 1] - edges[k]);
    const double x = (r - edges[k]) / half - 1.0;
    double t[kNodes], dt[kNodes];
    t[0] = 1.0;
    t[1] = x;
    dt[0] = 0.0;
    dt[1] = 1.0;
    for (int n = 2; n < kNodes; ++n) {
      t[n] = 2.0 * x * t[n - 1] - t[n - 2];
      dt[n] = 2.0 * t[n - 1] + 2.0 * x * dt[n - 1] - dt[n - 2];
    }
    const double* c = coefficients.data() + k * kNodes * columns;
    std::fill(value, value + columns, 0.0);
    std::fill(slope, slope + columns, 0.0);
    for (int n = 0; n < kNodes; ++n) {
      const double scaled = dt[n] / half;
      for (int m = 0; m < columns; ++m) {
        value[m] += t[n] * c[n * columns + m];
        slope[m] += scaled * c[n * columns + m];
      }
    }
  }
};

// Nodes first; coefficients by make_coefficients once the values are there.
Samples make_nodes(const TableTask& task) {
  Samples samples;
  const auto lay = [&](double from, double to) {
    if (!(to > from)) return;
    const int n = std::max(4, static_cast<int>(std::ceil((to - from) / kInterval)));
    for (int k = 0; k < n; ++k) samples.edges.push_back(from + (to - from) * k / n);
  };
  lay(task.lower, task.middle);
  lay(std::max(task.lower, task.middle), task.upper);
  samples.edges.push_back(task.upper);
  for (std::size_t k = 0; k < samples.intervals(); ++k) {
    const double half = 0.5 * (samples.edges[k + 1] - samples.edges[k]);
    for (int n = 0; n < kNodes; ++n)
      samples.nodes.push_back(samples.edges[k] + half * (1.0 - std::cos(kPi * (n + 0.5) / kNodes)));
  }
  return samples;
}

// Values [nodes][columns] to coefficients.
void make_coefficients(Samples& samples, const std::vector<double>& values, int columns) {
  samples.columns = columns;
  samples.coefficients.assign(values.size(), 0.0);
  double matrix[kNodes][kNodes];
  for (int n = 0; n < kNodes; ++n) {
    for (int j = 0; j < kNodes; ++j) {
      // The nodes ascend: x_j = -cos(pi (j + 1/2) / K).
      const double x = std::cos(kPi * n * (kNodes - 1 - j + 0.5) / kNodes);
      matrix[n][j] = x * (n == 0 ? 1.0 : 2.0) / kNodes;
    }
  }
  for (std::size_t k = 0; k < samples.intervals(); ++k) {
    const std::size_t at = k * kNodes * columns;
    for (int n = 0; n < kNodes; ++n) {
      for (int j = 0; j < kNodes; ++j) {
        for (int m = 0; m < columns; ++m)
          samples.coefficients[at + n * columns + m] += matrix[n][j] * values[at + static_cast<std::size_t>(j) * columns + m];
      }
    }
  }
}

// R of the QR decomposition of the rows, by Householder reflections; [M][M].
std::vector<double> triangle(std::vector<double> rows, std::size_t n, std::size_t m) {
  std::vector<double> turned(n * m);  // column by column
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) turned[j * n + i] = rows[i * m + j];
  }
  std::vector<double> r(m * m, 0.0);
  // Rows from the n-th on are zero where there are more columns than rows.
  for (std::size_t j = 0; j < std::min(n, m); ++j) {
    double* v = &turned[j * n];
    double norm = 0.0;
    for (std::size_t i = j; i < n; ++i) norm += v[i] * v[i];
    norm = std::sqrt(norm);
    const double alpha = v[j] > 0.0 ? -norm : norm;
    r[j * m + j] = alpha;
    if (norm == 0.0) continue;
    v[j] -= alpha;
    double length = 0.0;
    for (std::size_t i = j; i < n; ++i) length += v[i] * v[i];
    for (std::size_t k = j + 1; k < m; ++k) {
      double* w = &turned[k * n];
      double dot = 0.0;
      for (std::size_t i = j; i < n; ++i) dot += v[i] * w[i];
      const double factor = 2.0 * dot / length;
      for (std::size_t i = j; i < n; ++i) w[i] -= factor * v[i];
      r[j * m + k] = w[j];
    }
  }
  return r;
}

// Right singular vectors of a square matrix by descending singular value, one a row: [M][M]. One-sided Jacobi.
std::vector<double> right_singular_vectors(const std::vector<double>& matrix, std::size_t m) {
  std::vector<double> a(m * m), v(m * m, 0.0);  // column by column
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < m; ++j) a[j * m + i] = matrix[i * m + j];
    v[i * m + i] = 1.0;
  }
  for (int sweep = 0; sweep < 60; ++sweep) {
    bool turned = false;
    for (std::size_t p = 0; p + 1 < m; ++p) {
      for (std::size_t q = p + 1; q < m; ++q) {
        double *ap = &a[p * m], *aq = &a[q * m];
        double pp = 0.0, qq = 0.0, pq = 0.0;
        for (std::size_t i = 0; i < m; ++i) {
          pp += ap[i] * ap[i];
          qq += aq[i] * aq[i];
          pq += ap[i] * aq[i];
        }
        if (std::fabs(pq) <= 1e-14 * std::sqrt(pp * qq) || pq == 0.0) continue;
        turned = true;
        const double zeta = (qq - pp) / (2.0 * pq);
        const double t = (zeta >= 0.0 ? 1.0 : -1.0) / (std::fabs(zeta) + std::sqrt(1.0 + zeta * zeta));
        const double c = 1.0 / std::sqrt(1.0 + t * t), s = c * t;
        double *vp = &v[p * m], *vq = &v[q * m];
        for (std::size_t i = 0; i < m; ++i) {
          const double x = ap[i], y = aq[i];
          ap[i] = c * x - s * y;
          aq[i] = s * x + c * y;
          const double z = vp[i], w = vq[i];
          vp[i] = c * z - s * w;
          vq[i] = s * z + c * w;
        }
      }
    }
    if (!turned) break;
  }
  std::vector<std::pair<double, std::size_t>> order(m);
  for (std::size_t j = 0; j < m; ++j) {
    double norm = 0.0;
    for (std::size_t i = 0; i < m; ++i) norm += a[j * m + i] * a[j * m + i];
    order[j] = {-norm, j};
  }
  std::sort(order.begin(), order.end());
  std::vector<double> out(m * m);
  for (std::size_t k = 0; k < m; ++k) std::copy(&v[order[k].second * m], &v[order[k].second * m] + m, &out[k * m]);
  return out;
}

// Polynomials on [0, 1] with given values and slopes at both ends, and the rest by least squares inside: p = Hermite cubic + u^2 (1-u)^2 q(u).
class PanelFit {
 public:
  explicit PanelFit(int degree) : degree_(degree), inner_(degree - 3) {
    points_ = 2 * degree + 2;
    std::vector<double> basis;  // [points][inner]
    for (int j = 0; j < points_; ++j) {
      at_.push_back(0.5 * (1.0 - std::cos(kPi * (j + 0.5) / points_)));
      const double u = at_.back(), bump = u * u * (1.0 - u) * (1.0 - u);
      double power = 1.0;
      for (int i = 0; i < inner_; ++i) {
        basis.push_back(bump * power);
        power *= 2.0 * u - 1.0;
      }
    }
    // Normal equations of at most four unknowns, scaled; solved once for every unit right-hand side.
    std::vector<double> normal(inner_ * inner_, 0.0);
    for (int a = 0; a < inner_; ++a) {
      for (int b = 0; b < inner_; ++b) {
        for (int j = 0; j < points_; ++j) normal[a * inner_ + b] += basis[j * inner_ + a] * basis[j * inner_ + b];
      }
    }
    solve_.assign(static_cast<std::size_t>(inner_) * points_, 0.0);
    for (int j = 0; j < points_; ++j) {
      std::vector<double> matrix = normal, right(basis.begin() + j * inner_, basis.begin() + (j + 1) * inner_);
      for (int a = 0; a < inner_; ++a) {
        for (int b = a + 1; b < inner_; ++b) {
          const double factor = matrix[b * inner_ + a] / matrix[a * inner_ + a];
          for (int c = a; c < inner_; ++c) matrix[b * inner_ + c] -= factor * matrix[a * inner_ + c];
          right[b] -= factor * right[a];
        }
      }
      for (int a = inner_ - 1; a >= 0; --a) {
        double sum = right[a];
        for (int b = a + 1; b < inner_; ++b) sum -= matrix[a * inner_ + b] * solve_[b * points_ + j];
        solve_[a * points_ + j] = sum / matrix[a * inner_ + a];
      }
    }
  }

  // Coefficients [degree + 1][columns] of the panel [left, left + width].
  void fit(const Samples& samples, double left, double width, std::vector<double>& out) const {
    const int q = samples.columns;
    std::vector<double> v0(q), d0(q), v1(q), d1(q), value(q), slope(q);
    samples.evaluate(left, v0.data(), d0.data());
    samples.evaluate(left + width, v1.data(), d1.data());
    out.assign(static_cast<std::size_t>(degree_ + 1) * q, 0.0);
    for (int m = 0; m < q; ++m) {
      const double a = d0[m] * width, b = d1[m] * width, rise = v1[m] - v0[m];
      out[m] = v0[m];
      out[q + m] = a;
      out[2 * q + m] = 3.0 * rise - 2.0 * a - b;
      out[3 * q + m] = a + b - 2.0 * rise;
    }
    std::vector<double> inner(static_cast<std::size_t>(inner_) * q, 0.0);
    for (int j = 0; j < points_; ++j) {
      const double u = at_[j];
      samples.evaluate(left + u * width, value.data(), slope.data());
      for (int m = 0; m < q; ++m) {
        const double rest = value[m] - (((out[3 * q + m] * u + out[2 * q + m]) * u + out[q + m]) * u + out[m]);
        for (int i = 0; i < inner_; ++i) inner[i * q + m] += solve_[i * points_ + j] * rest;
      }
    }
    // u^2 (1-u)^2 (2u-1)^i in powers of u.
    std::vector<double> shape(degree_ + 1, 0.0);
    shape[2] = 1.0;
    shape[3] = -2.0;
    shape[4] = 1.0;
    for (int i = 0; i < inner_; ++i) {
      for (int power = 2; power <= degree_; ++power) {
        for (int m = 0; m < q; ++m) out[power * q + m] += shape[power] * inner[i * q + m];
      }
      for (int power = degree_; power >= 1; --power) shape[power] = 2.0 * shape[power - 1] - shape[power];
      shape[0] = -shape[0];
    }
  }

  int degree() const { return degree_; }

 private:
  int degree_, inner_, points_;
  std::vector<double> at_, solve_;
};

class Builder {
 public:
  Builder(const TableTask& task, const PairFunction& pair) : task_(task), pair_(pair) {}

  std::optional<Table> build() {
    if (!sample()) return std::nullopt;
    choose_columns();
    std::optional<Table> five = lay_panels(5);
    const auto bytes = [&](const Table& table) { return table.coefficients.size() * task_.number_bytes * task_.neighbours; };
    // All tables of a centre share the second-level cache with everything else; a higher degree costs arithmetic and saves panels.
    constexpr std::size_t kSmall = 224 * 1024;
    if (five && bytes(*five) <= kSmall) return five;
    std::optional<Table> seven = lay_panels(7);
    if (!five) return seven;
    return seven && bytes(*seven) < 0.85 * static_cast<double>(bytes(*five)) ? seven : five;
  }

 private:
  bool sample() {
    if (task_.width > kWidestNet || !(task_.upper - task_.lower < kLongest)) return false;
    samples_ = make_nodes(task_);
    const std::size_t n = samples_.nodes.size();
    const std::size_t m = static_cast<std::size_t>(task_.width);
    std::vector<double> g(n * task_.stride), dg(n * task_.stride);
    pair_(samples_.nodes.data(), static_cast<int>(n), g.data(), dg.data());
    values_.resize(n * m);
    slopes_.resize(n * m);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < m; ++k) {
        values_[i * m + k] = g[i * task_.stride + k];
        slopes_[i * m + k] = dg[i * task_.stride + k];
        if (!std::isfinite(values_[i * m + k]) || !std::isfinite(slopes_[i * m + k])) return false;
      }
    }
    double sum = 0.0, volume = 0.0;
    norm_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double r = samples_.nodes[i];
      const double w = task_.weight(r);
      double value = 0.0, slope = 0.0;
      for (std::size_t k = 0; k < m; ++k) {
        value += values_[i * m + k] * values_[i * m + k];
        slope += slopes_[i * m + k] * slopes_[i * m + k];
      }
      norm_[i] = w * std::sqrt(slope + value / (r * r));
      sum += r * r * norm_[i] * norm_[i];
      volume += r * r;
    }
    rms_ = std::sqrt(sum / volume);
    return rms_ > 0.0 && std::isfinite(rms_);
  }

  // Error that is allowed at a distance where weight |dG/dr| is `norm`.
  double allowed(double norm) const { return task_.tolerance * (rms_ + norm / 3.0); }

  void choose_columns() {
    const std::size_t m = static_cast<std::size_t>(task_.width);
    const std::size_t n = samples_.nodes.size();
    std::vector<double> rows;
    for (std::size_t i = 0; i < n; i += 6) {
      const double r = samples_.nodes[i];
      const double scale = task_.weight(r) * task_.tolerance / allowed(norm_[i]);
      for (std::size_t k = 0; k < m; ++k) rows.push_back(slopes_[i * m + k] * scale);
      for (std::size_t k = 0; k < m; ++k) rows.push_back(values_[i * m + k] * scale / r);
    }
    const std::vector<double> basis = right_singular_vectors(triangle(rows, rows.size() / m, m), m);
    // What the columns left out would have given, at the worst row.
    std::size_t columns = m;
    std::vector<double> rest(rows.size() / m, 0.0);
    while (columns > 1) {
      const double* v = &basis[(columns - 1) * m];
      double worst = 0.0;
      for (std::size_t i = 0; i < rest.size(); ++i) {
        double dot = 0.0;
        for (std::size_t k = 0; k < m; ++k) dot += rows[i * m + k] * v[k];
        rest[i] += dot * dot;
        worst = std::max(worst, rest[i]);
      }
      if (std::sqrt(worst) > 0.5 * task_.tolerance) break;
      --columns;
    }
    // Whole vectors of every instruction set.
    columns_ = std::min((columns + 3) / 4 * 4, m);
    expansion_.assign(basis.begin(), basis.begin() + static_cast<std::ptrdiff_t>(columns_ * m));
    std::vector<double> latent(n * columns_);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t c = 0; c < columns_; ++c) {
        double dot = 0.0;
        for (std::size_t k = 0; k < m; ++k) dot += values_[i * m + k] * expansion_[c * m + k];
        latent[i * columns_ + c] = dot;
      }
    }
    make_coefficients(samples_, latent, static_cast<int>(columns_));
  }

  // Largest error of a panel relative to what is allowed.
  double panel_error(const PanelFit& fit, double left, double width) {
    fit.fit(samples_, left, width, panel_);
    const int q = samples_.columns;
    value_.resize(q);
    slope_.resize(q);
    double worst = 0.0;
    for (int j = 0; j < kChecks; ++j) {
      const double u = (j + 0.5) / kChecks;
      const double r = left + u * width;
      samples_.evaluate(r, value_.data(), slope_.data());
      double dv = 0.0, ds = 0.0, norm = 0.0;
      for (int m = 0; m < q; ++m) {
        double p = 0.0, dp = 0.0;
        for (int power = fit.degree(); power >= 0; --power) {
          dp = dp * u + p;
          p = p * u + panel_[power * q + m];
        }
        dv += (p - value_[m]) * (p - value_[m]);
        ds += (dp / width - slope_[m]) * (dp / width - slope_[m]);
        norm += slope_[m] * slope_[m] + value_[m] * value_[m] / (r * r);
      }
      const double w = task_.weight(r);
      worst = std::max(worst, w * std::sqrt(ds + dv / (r * r)) / allowed(w * std::sqrt(norm)));
    }
    return worst;
  }

  std::optional<Table> lay_panels(int degree) {
    const PanelFit fit(degree);
    Table table;
    table.columns = static_cast<int>(columns_);
    table.degree = degree;
    table.expansion = expansion_;
    double left = task_.lower;
    double width = 0.1;
    table.edges.push_back(left);
    while (left < task_.upper) {
      if (table.edges.size() > kMostPanels) return std::nullopt;
      // No panel across the start of the switch.
      const double end = left < task_.middle - 1e-9 ? task_.middle : task_.upper;
      const double limit = std::min(kWidest, end - left);
      double good = 0.0, bad = 0.0, trial = std::min(2.0 * width, limit);
      while (true) {
        if (panel_error(fit, left, trial) <= 0.5) {
          good = trial;
          if (trial >= limit || (bad > 0.0 && bad - good < 0.04 * good)) break;
          trial = bad > 0.0 ? 0.5 * (good + bad) : std::min(1.5 * trial, limit);
        } else {
          bad = trial;
          if (good > 0.0 && bad - good < 0.04 * good) break;
          trial = good > 0.0 ? 0.5 * (good + bad) : 0.7 * trial;
          if (trial < std::min(kNarrowest, 0.5 * limit)) return std::nullopt;
        }
      }
      // What is left before the end is shared, so that no sliver remains.
      const double rest = end - left;
      if (good < rest) good = std::min(good, rest / std::ceil(rest / good * (1.0 - 1e-12)));
      width = good;
      double next = left + good;
      if (end - next < 1e-9) next = end;
      fit.fit(samples_, left, next - left, panel_);
      table.coefficients.insert(table.coefficients.end(), panel_.begin(), panel_.end());
      table.edges.push_back(next);
      left = next;
    }
    measure(table);
    return table;
  }

  // Errors against the net itself at points between those that made the table.
  void measure(Table& table) const {
    std::vector<double> r;
    for (std::size_t k = 0; k + 1 < table.edges.size(); ++k) {
      for (int j = 0; j < 5; ++j) r.push_back(table.edges[k] + (table.edges[k + 1] - table.edges[k]) * (0.11 + 0.19 * j));
    }
    const std::size_t m = static_cast<std::size_t>(task_.width);
    std::vector<double> g(r.size() * task_.stride), dg(r.size() * task_.stride);
    pair_(r.data(), static_cast<int>(r.size()), g.data(), dg.data());
    const std::size_t q = columns_;
    double largest_value = 0.0, largest_slope = 0.0;
    std::vector<double> latent(q), latent_slope(q);
    for (std::size_t i = 0; i < r.size(); ++i) {
      const std::size_t k = i / 5;
      const double width = table.edges[k + 1] - table.edges[k];
      const double u = (r[i] - table.edges[k]) / width;
      for (std::size_t c = 0; c < q; ++c) {
        double p = 0.0, dp = 0.0;
        for (int power = table.degree; power >= 0; --power) {
          dp = dp * u + p;
          p = p * u + table.coefficients[(k * (table.degree + 1) + power) * q + c];
        }
        latent[c] = p;
        latent_slope[c] = dp / width;
      }
      const double w = task_.weight(r[i]);
      for (std::size_t a = 0; a < m; ++a) {
        double value = 0.0, slope = 0.0;
        for (std::size_t c = 0; c < q; ++c) {
          value += latent[c] * table.expansion[c * m + a];
          slope += latent_slope[c] * table.expansion[c * m + a];
        }
        table.value_error = std::max(table.value_error, w * std::fabs(value - g[i * task_.stride + a]));
        table.slope_error = std::max(table.slope_error, w * std::fabs(slope - dg[i * task_.stride + a]));
        largest_value = std::max(largest_value, w * std::fabs(g[i * task_.stride + a]));
        largest_slope = std::max(largest_slope, w * std::fabs(dg[i * task_.stride + a]));
      }
    }
    table.value_error /= largest_value > 0.0 ? largest_value : 1.0;
    table.slope_error /= largest_slope > 0.0 ? largest_slope : 1.0;
  }

  const TableTask& task_;
  const PairFunction& pair_;
  Samples samples_;
  std::vector<double> values_, slopes_, norm_;
  double rms_ = 0.0;
  std::size_t columns_ = 0;
  std::vector<double> expansion_;
  std::vector<double> panel_, value_, slope_;
};

}  // namespace

std::optional<Table> make_table(const TableTask& task, const PairFunction& pair) { return Builder(task, pair).build(); }

}  // namespace ionclay::deep_potential
