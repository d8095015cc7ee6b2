// SPDX-License-Identifier: MIT
#include "native/addon/tree.hpp"

#include <string>
#include <vector>

namespace ionclay::addon {
namespace {

constexpr int kDeepest = 16;
constexpr std::uint32_t kLongest = 1 << 22;

// Two passes: reading a property may run a getter, which may take an array's memory away. Views are made when nothing runs any more.
struct Grower {
  std::vector<Napi::TypedArray> arrays;
  std::size_t next = 0;

  Tree grow(const Napi::Value& value, const std::string& name, int depth) {
    const auto refuse = [&](const char* what) { return Napi::TypeError::New(value.Env(), name + ": " + what); };
    if (depth > kDeepest) throw refuse("nested too deeply");
    Tree out;
    if (value.IsNull() || value.IsUndefined()) return out;
    if (value.IsBoolean()) {
      out.value = value.As<Napi::Boolean>().Value();
    } else if (value.IsNumber()) {
      out.value = value.As<Napi::Number>().DoubleValue();
    } else if (value.IsString()) {
      out.value = value.As<Napi::String>().Utf8Value();
    } else if (value.IsTypedArray()) {
      arrays.push_back(value.As<Napi::TypedArray>());
      switch (arrays.back().TypedArrayType()) {
        case napi_float64_array: out.value = std::span<const double>(); break;
        case napi_int32_array: out.value = std::span<const std::int32_t>(); break;
        case napi_uint8_array: out.value = std::span<const std::uint8_t>(); break;
        default: throw refuse("expected a Float64Array, an Int32Array or a Uint8Array");
      }
    } else if (value.IsArray()) {
      const auto array = value.As<Napi::Array>();
      if (array.Length() > kLongest) throw refuse("too long");
      Tree::List list;
      for (std::uint32_t k = 0; k < array.Length(); ++k) list.push_back(grow(array.Get(k), name, depth + 1));
      out.value = std::move(list);
    } else if (value.IsObject() && !value.IsFunction()) {
      const auto object = value.As<Napi::Object>();
      const Napi::Array keys = object.GetPropertyNames();
      Tree::Map map;
      for (std::uint32_t k = 0; k < keys.Length(); ++k) {
        const std::string key = keys.Get(k).ToString().Utf8Value();
        map.emplace_back(key, grow(object.Get(key), key, depth + 1));
      }
      out.value = std::move(map);
    } else {
      throw refuse("expected plain data");
    }
    return out;
  }

  template <class T>
  std::span<const T> view() {
    const auto array = arrays[next++].As<Napi::TypedArrayOf<T>>();
    return {array.Data(), array.ElementLength()};
  }

  // In the order of grow.
  void fill(Tree& tree) {
    if (auto* const real = std::get_if<std::span<const double>>(&tree.value)) {
      *real = view<double>();
    } else if (auto* const whole = std::get_if<std::span<const std::int32_t>>(&tree.value)) {
      *whole = view<std::int32_t>();
    } else if (auto* const octets = std::get_if<std::span<const std::uint8_t>>(&tree.value)) {
      *octets = view<std::uint8_t>();
    } else if (auto* const list = std::get_if<Tree::List>(&tree.value)) {
      for (Tree& item : *list) fill(item);
    } else if (auto* const map = std::get_if<Tree::Map>(&tree.value)) {
      for (auto& [key, item] : *map) fill(item);
    }
  }
};

}  // namespace

Tree tree_of(const Napi::Value& value, const char* name) {
  Grower grower;
  Tree tree = grower.grow(value, name, 0);
  grower.fill(tree);
  return tree;
}

}  // namespace ionclay::addon
