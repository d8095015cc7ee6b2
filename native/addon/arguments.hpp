// SPDX-License-Identifier: MIT
// Reading arguments from JavaScript: every function checks type and length and throws a TypeError that names the argument.
#pragma once

#include "native/addon/napi.hpp"

#include <array>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <vector>

namespace ionclay::addon {

inline constexpr std::size_t kAnyLength = static_cast<std::size_t>(-1);

// Views are valid until control returns to JavaScript; nothing may keep them longer.
std::span<double> doubles(const Napi::Value& value, const char* name, std::size_t length = kAnyLength);
std::span<std::int32_t> integers(const Napi::Value& value, const char* name, std::size_t length = kAnyLength);
std::span<std::uint8_t> bytes(const Napi::Value& value, const char* name, std::size_t length = kAnyLength);

Napi::Object object(const Napi::Value& value, const char* name);
Napi::Array array(const Napi::Value& value, const char* name);
double number(const Napi::Value& value, const char* name);
int integer(const Napi::Value& value, const char* name, int low, int high);
bool boolean(const Napi::Value& value, const char* name);
std::string text(const Napi::Value& value, const char* name);
std::array<bool, 3> three_booleans(const Napi::Value& value, const char* name);

// Property `name` of an object.
inline Napi::Value at(const Napi::Object& object, const char* name) { return object.Get(name); }

// {code, message, atom?, details?} as a JavaScript error.
Napi::Error to_error(Napi::Env env, const std::exception_ptr& failure);

// Runs body and turns any C++ exception into a JavaScript one.
template <class Body>
auto guarded(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_error(env, std::current_exception());
  }
}

}  // namespace ionclay::addon
