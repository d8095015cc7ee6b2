// SPDX-License-Identifier: MIT
// Instruction sets of this build and of this machine.
#pragma once

#include <string>
#include <vector>

namespace ionclay {

enum class Isa { baseline, avx2, avx512, neon };

const char* isa_name(Isa isa);
// Throws Error("ISA_UNAVAILABLE") for a name that this build or this machine does not have.
Isa isa_from_name(const std::string& name);
// Slowest first; the last is the default.
std::vector<Isa> available_isas();

}  // namespace ionclay
