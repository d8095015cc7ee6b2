// SPDX-License-Identifier: MIT
#pragma once

#include "native/addon/napi.hpp"

#include <memory>

#include "native/potential/potential.hpp"

namespace ionclay::addon {

// An immutable potential as an opaque JavaScript object {cutoff}; type-tagged, so that a wrong object is an error and not a crash.
Napi::Value wrap_potential(Napi::Env env, std::shared_ptr<const Potential> potential);
std::shared_ptr<const Potential> unwrap_potential(const Napi::Value& value);

Napi::Value create_evaluator(const Napi::CallbackInfo& info);
Napi::Function define_evaluator(Napi::Env env);

}  // namespace ionclay::addon
