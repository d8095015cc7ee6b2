// SPDX-License-Identifier: MIT
// pairHistogram of lib/native/addon.ts.
#pragma once

#include "native/addon/napi.hpp"

namespace ionclay::addon {

Napi::Value pair_histogram(const Napi::CallbackInfo& call);

}  // namespace ionclay::addon
