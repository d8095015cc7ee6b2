// SPDX-License-Identifier: MIT
// Reads the trees that scripts/tree-file.mjs writes. Words of 8 bytes, little-endian: a head of kind + 16 * count, then what belongs to it, padded
// to whole words; so arrays lie aligned in the file's memory and are used in place.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "native/core/tree.hpp"

namespace ionclay::test {

class TreeFile {
 public:
  explicit TreeFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw ArgumentError(path + ": cannot be read");
    const std::streamoff size = file.tellg();
    words_.resize(static_cast<std::size_t>(size) / 8);
    file.seekg(0);
    file.read(reinterpret_cast<char*>(words_.data()), static_cast<std::streamsize>(words_.size() * 8));
    root_ = read();
  }
  TreeFile(const TreeFile&) = delete;

  const Tree& root() const { return root_; }

 private:
  template <class T>
  const T* take(std::size_t count) {
    const std::size_t needed = (count * sizeof(T) + 7) / 8;
    if (needed > words_.size() - at_) throw ArgumentError("the file ends too early");
    const auto* const data = reinterpret_cast<const T*>(words_.data() + at_);
    at_ += needed;
    return data;
  }
  std::string characters(std::size_t count) { return {take<char>(count), count}; }

  Tree read() {
    const std::uint64_t head = *take<std::uint64_t>(1);
    const auto count = static_cast<std::size_t>(head / 16);
    Tree out;
    switch (head % 16) {
      case 0: break;
      case 1: out.value = count != 0; break;
      case 2: out.value = *take<double>(1); break;
      case 3: out.value = characters(count); break;
      case 4: out.value = std::span<const double>(take<double>(count), count); break;
      case 5: out.value = std::span<const std::int32_t>(take<std::int32_t>(count), count); break;
      case 6: out.value = std::span<const std::uint8_t>(take<std::uint8_t>(count), count); break;
      case 7: {
        Tree::List list;
        for (std::size_t k = 0; k < count; ++k) list.push_back(read());
        out.value = std::move(list);
        break;
      }
      case 8: {
        Tree::Map map;
        for (std::size_t k = 0; k < count; ++k) {
          const Tree key = read();
          map.emplace_back(text(key, "a key of the file"), read());
        }
        out.value = std::move(map);
        break;
      }
      default: throw ArgumentError("the file holds something unknown");
    }
    return out;
  }

  std::vector<std::uint64_t> words_;
  std::size_t at_ = 0;
  Tree root_;
};

}  // namespace ionclay::test
