// SPDX-License-Identifier: MIT
#pragma once

namespace ionclay::addon {

// Keeps this library in memory until the process ends. Node unloads an addon with the last worker that loaded it, while our threads,
// idle or not, still have its code on their stacks.
void pin_library();

}  // namespace ionclay::addon
