// SPDX-License-Identifier: MIT
#include "native/addon/arguments.hpp"

#include <cmath>
#include <new>
#include <stdexcept>
#include <system_error>

#include "native/core/error.hpp"
#include "native/core/tree.hpp"

namespace ionclay::addon {
namespace {

Napi::TypeError wrong(const Napi::Value& value, const char* name, const std::string& expected) {
  return Napi::TypeError::New(value.Env(), std::string(name) + ": expected " + expected);
}

Napi::Error out_of_memory(Napi::Env env) {
  Napi::Error out = Napi::Error::New(env, "not enough memory for this many atoms and neighbours");
  out.Set("code", Napi::String::New(env, "OUT_OF_MEMORY"));
  return out;
}

template <class T>
std::span<T> typed(const Napi::Value& value, const char* name, std::size_t length, napi_typedarray_type type,
                   const char* type_name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    throw wrong(value, name, std::string("a ") + type_name);
  const auto view = value.As<Napi::TypedArrayOf<T>>();
  if (length != kAnyLength && view.ElementLength() != length) {
    throw wrong(
        value, name,
        std::string("a ") + type_name + " of length " + std::to_string(length) + ", got " + std::to_string(view.ElementLength()));
  }
  return {const_cast<T*>(view.Data()), view.ElementLength()};
}

}  // namespace

std::span<double> doubles(const Napi::Value& value, const char* name, std::size_t length) {
  return typed<double>(value, name, length, napi_float64_array, "Float64Array");
}

std::span<std::int32_t> integers(const Napi::Value& value, const char* name, std::size_t length) {
  return typed<std::int32_t>(value, name, length, napi_int32_array, "Int32Array");
}

std::span<std::uint8_t> bytes(const Napi::Value& value, const char* name, std::size_t length) {
  return typed<std::uint8_t>(value, name, length, napi_uint8_array, "Uint8Array");
}

Napi::Object object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) throw wrong(value, name, "an object");
  return value.As<Napi::Object>();
}

Napi::Array array(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw wrong(value, name, "an array");
  return value.As<Napi::Array>();
}

double number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) throw wrong(value, name, "a number");
  const double x = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(x)) throw wrong(value, name, "a finite number");
  return x;
}

int integer(const Napi::Value& value, const char* name, int low, int high) {
  const double x = number(value, name);
  if (x != std::floor(x) || x < low || x > high) {
    throw wrong(value, name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<int>(x);
}

bool boolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) throw wrong(value, name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::string text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw wrong(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::array<bool, 3> three_booleans(const Napi::Value& value, const char* name) {
  const Napi::Array values = array(value, name);
  if (values.Length() != 3) throw wrong(value, name, "three booleans");
  std::array<bool, 3> out;
  for (std::uint32_t k = 0; k < 3; ++k) out[k] = boolean(values.Get(k), name);
  return out;
}

Napi::Error to_error(Napi::Env env, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    Napi::Error out = Napi::Error::New(env, error.message);
    out.Set("code", Napi::String::New(env, error.code));
    if (error.atom >= 0) out.Set("atom", Napi::Number::New(env, static_cast<double>(error.atom)));
    Napi::Object details = Napi::Object::New(env);
    for (const auto& [name, value] : error.details) details.Set(name, Napi::Number::New(env, value));
    out.Set("details", details);
    return out;
  } catch (const std::system_error& error) {
    Napi::Error out = Napi::Error::New(env, std::string("the system gave no thread for the computation: ") + error.what());
    out.Set("code", Napi::String::New(env, "NO_THREAD"));
    return out;
  } catch (const ArgumentError& error) {
    return Napi::TypeError::New(env, error.what());
  } catch (const std::length_error&) {
    return out_of_memory(env);
  } catch (const std::bad_alloc&) {
    return out_of_memory(env);
  } catch (const std::exception& error) {
    Napi::Error out = Napi::Error::New(env, error.what());
    out.Set("code", Napi::String::New(env, "INTERNAL"));
    return out;
  } catch (...) {
    Napi::Error out = Napi::Error::New(env, "unknown failure in native code");
    out.Set("code", Napi::String::New(env, "INTERNAL"));
    return out;
  }
}

}  // namespace ionclay::addon
