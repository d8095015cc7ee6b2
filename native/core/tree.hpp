// SPDX-License-Identifier: MIT
// A tree of plain values with named branches: what JavaScript hands over, apart from JavaScript. Loaders of parameters read this, so that the
// addon and programs without Node have one loader between them.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ionclay {

// A value of the wrong type, length or range; the message names it.
struct ArgumentError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

struct Tree {
  using List = std::vector<Tree>;
  using Map = std::vector<std::pair<std::string, Tree>>;
  // Numbers of arrays stay where they are: whoever made the tree keeps them until it has been read.
  std::variant<std::monostate, bool, double, std::string, std::span<const double>, std::span<const std::int32_t>,
               std::span<const std::uint8_t>, List, Map>
      value;

  bool is_null() const { return std::holds_alternative<std::monostate>(value); }
};

// Each throws an ArgumentError "name: expected ...".
const Tree& at(const Tree& map, const char* name);
double number(const Tree& tree, const char* name);
int integer(const Tree& tree, const char* name, int low, int high);
bool boolean(const Tree& tree, const char* name);
const std::string& text(const Tree& tree, const char* name);
const Tree::List& list(const Tree& tree, const char* name);
std::span<const double> doubles(const Tree& tree, const char* name);
std::span<const std::int32_t> integers(const Tree& tree, const char* name);
std::span<const std::uint8_t> bytes(const Tree& tree, const char* name);

}  // namespace ionclay
