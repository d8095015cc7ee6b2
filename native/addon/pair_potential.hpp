// SPDX-License-Identifier: MIT
#pragma once

#include "native/addon/napi.hpp"

namespace ionclay::addon {

Napi::Value create_pair_potential(const Napi::CallbackInfo& info);

}  // namespace ionclay::addon
