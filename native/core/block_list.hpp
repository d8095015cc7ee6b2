// SPDX-License-Identifier: MIT
// Neighbour list for potentials that work on blocks of atoms of one type that lie close together. A block has its own table of images
// (atom + lattice vector) within reach of any of its atoms, sorted by type; its atoms' neighbours are indices into that table. Per step a
// block reads the position of an image once, works in memory that stays in the cache, and adds forces to its own images without asking
// anyone; for every atom the list knows where its images are, so that forces are summed in a fixed order by any number of threads.
// Needs about 4 bytes a neighbour and 40 bytes an image (some 40 images an atom at a reach of 10 A), whatever the number of atoms.
#pragma once

#include <cstdint>
#include <vector>

#include "native/core/neighbours.hpp"

namespace ionclay {

class BlockList final : public Neighbours {
 public:
  struct Block {
    int type = 0;
    std::vector<std::int32_t> atoms;
    std::vector<std::int32_t> image_atom, image_shift;
    // [atoms][types + 1] into entries, which index images; entries are padded by kPadding images 0.
    std::vector<std::uint32_t> segments, entries;
    // Index of the first image among those of all blocks.
    std::size_t first_image = 0;
    std::size_t listed() const { return segments.empty() ? 0 : segments.back(); }
  };
  static constexpr std::size_t kPadding = 16;

  explicit BlockList(int ntypes) : ntypes_(ntypes) {}

  void build(const double* positions, std::size_t natoms, const std::int32_t* types, const Cell& cell, double radius,
             const Execution& execution) override;
  std::size_t size() const override { return listed_; }

  const std::vector<Block>& blocks() const { return blocks_; }
  std::size_t images() const { return images_; }
  // Images of atom i among those of all blocks: image_of[image_start[i]] .. image_of[image_start[i + 1] - 1], in block order.
  const std::vector<std::uint64_t>& image_start() const { return image_start_; }
  const std::vector<std::uint32_t>& image_of() const { return image_of_; }
  // Block and place of atom i: block * kMostAtoms + place, -1 for a virtual atom.
  const std::vector<std::int64_t>& place_of() const { return place_of_; }

  static constexpr int kMostAtoms = 32;

 private:
  struct Search;
  void make_blocks(const std::vector<double>& fractional, const std::int32_t* types, const Cell& cell, std::size_t natoms);
  void index_images(std::size_t natoms);

  int ntypes_;
  std::vector<Block> blocks_;
  std::size_t listed_ = 0, images_ = 0;
  std::vector<std::uint64_t> image_start_;
  std::vector<std::uint32_t> image_of_;
  std::vector<std::int64_t> place_of_;
};

}  // namespace ionclay
