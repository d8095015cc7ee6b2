// SPDX-License-Identifier: MIT
#include "native/core/tree.hpp"

#include <cmath>

namespace ionclay {
namespace {

template <class T>
const T& as(const Tree& tree, const char* name, const char* expected) {
  const T* const found = std::get_if<T>(&tree.value);
  if (found == nullptr) throw ArgumentError(std::string(name) + ": expected " + expected);
  return *found;
}

}  // namespace

const Tree& at(const Tree& map, const char* name) {
  for (const auto& [key, value] : as<Tree::Map>(map, name, "an object that has it")) {
    if (key == name) return value;
  }
  throw ArgumentError(std::string(name) + ": expected, but not there");
}

double number(const Tree& tree, const char* name) {
  const double x = as<double>(tree, name, "a number");
  if (!std::isfinite(x)) throw ArgumentError(std::string(name) + ": expected a finite number");
  return x;
}

int integer(const Tree& tree, const char* name, int low, int high) {
  const double x = number(tree, name);
  if (x != std::floor(x) || x < low || x > high) {
    throw ArgumentError(std::string(name) + ": expected a whole number from " + std::to_string(low) + " to " +
                        std::to_string(high));
  }
  return static_cast<int>(x);
}

bool boolean(const Tree& tree, const char* name) { return as<bool>(tree, name, "true or false"); }

const std::string& text(const Tree& tree, const char* name) { return as<std::string>(tree, name, "a string"); }

const Tree::List& list(const Tree& tree, const char* name) { return as<Tree::List>(tree, name, "an array"); }

std::span<const double> doubles(const Tree& tree, const char* name) {
  return as<std::span<const double>>(tree, name, "a Float64Array");
}

std::span<const std::int32_t> integers(const Tree& tree, const char* name) {
  return as<std::span<const std::int32_t>>(tree, name, "an Int32Array");
}

std::span<const std::uint8_t> bytes(const Tree& tree, const char* name) {
  return as<std::span<const std::uint8_t>>(tree, name, "a Uint8Array");
}

}  // namespace ionclay
