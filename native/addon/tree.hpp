// SPDX-License-Identifier: MIT
#pragma once

#include "native/addon/napi.hpp"
#include "native/core/tree.hpp"

namespace ionclay::addon {

// Objects, arrays, typed arrays, numbers, strings, booleans, null and undefined; a TypeError for anything else. The tree's arrays are views into
// JavaScript's memory, valid until control returns there. Depth is limited: an object that contains itself is refused.
Tree tree_of(const Napi::Value& value, const char* name);

}  // namespace ionclay::addon
