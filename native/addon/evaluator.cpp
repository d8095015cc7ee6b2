// SPDX-License-Identifier: MIT
// A potential bound to one set of atoms, for JavaScript. The caller's arrays are copied in before and out after a computation (a
// hundredth of its cost), so that nothing JavaScript does to them meanwhile can be seen by a thread.
#include "native/addon/evaluator.hpp"

#include <algorithm>
#include <atomic>

#include "native/addon/arguments.hpp"
#include "native/addon/driver.hpp"
#include "native/core/error.hpp"
#include "native/potential/evaluator.hpp"

namespace ionclay::addon {
namespace {

// Made of an address of this very library: an object of another copy of it in the process is not one of ours.
napi_type_tag tag_of_library(std::uint64_t kind) {
  static const char anchor = 0;
  return {0x6d1f52b86a7b4c1full ^ kind, 0x9c0e3b7712e84a55ull ^ reinterpret_cast<std::uintptr_t>(&anchor)};
}

const napi_type_tag& potential_tag() {
  static const napi_type_tag tag = tag_of_library(1);
  return tag;
}

const napi_type_tag& evaluator_tag() {
  static const napi_type_tag tag = tag_of_library(2);
  return tag;
}

// Everything a computation touches; shared with the thread that leads it.
struct Bound {
  std::vector<double> positions, cell, forces, energies, virial;
  std::vector<std::int32_t> images;
  std::unique_ptr<Evaluator> evaluator;
  std::atomic<bool> abort{false};
  int threads = 1;

  Execution execution() { return {threads, &abort}; }
};

enum Held : std::uint32_t { kPositions, kImages, kCell, kForces, kAtomEnergies, kVirial, kHeldArrays };
constexpr const char* kHeldNames[kHeldArrays] = {"positions", "images", "cell", "forces", "atomEnergies", "virial"};

class EvaluatorObject : public Napi::ObjectWrap<EvaluatorObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Evaluator",
                       {
                           InstanceMethod<&EvaluatorObject::compute>("compute"),
                           InstanceMethod<&EvaluatorObject::compute_sync>("computeSync"),
                           InstanceMethod<&EvaluatorObject::abort>("abort"),
                           InstanceMethod<&EvaluatorObject::reference>("reference"),
                           InstanceMethod<&EvaluatorObject::restore>("restore"),
                           InstanceMethod<&EvaluatorObject::dispose>("dispose"),
                           property<&EvaluatorObject::energy>("energy"),
                           property<&EvaluatorObject::rebuilds>("rebuilds"),
                           property<&EvaluatorObject::rebuilt>("rebuilt"),
                           property<&EvaluatorObject::listed_pairs>("listedPairs"),
                           property<&EvaluatorObject::pairs_inside>("pairsInside"),
                           property<&EvaluatorObject::overflow>("overflow"),
                           property<&EvaluatorObject::phase_seconds>("phaseSeconds"),
                       });
  }

  explicit EvaluatorObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EvaluatorObject>(info) {
    guarded(info.Env(), [&] { bind(info); });
  }

 private:
  void bind(const Napi::CallbackInfo& info) {
    const auto potential = unwrap_potential(info[0]);
    const Napi::Object arrays = object(info[1], "arrays");
    const Napi::Object options = object(info[2], "options");
    const auto view = integers(at(options, "types"), "types");
    std::vector<std::int32_t> types(view.begin(), view.end());
    const std::size_t n = types.size();
    if (n < 1) throw Napi::TypeError::New(info.Env(), "types: expected at least one atom");
    for (const std::int32_t type : types) {
      if (type < -1 || type >= potential->ntypes())
        throw Napi::TypeError::New(info.Env(), "types: index outside the potential's types");
    }
    // The arrays themselves are held, not the object that brought them: it could be changed, or run code when it is read.
    Napi::Array held = Napi::Array::New(info.Env(), kHeldArrays);
    for (std::uint32_t k = 0; k < kHeldArrays; ++k) held.Set(k, at(arrays, kHeldNames[k]));
    const Napi::Value images = held.Get(kImages);
    has_images_ = !images.IsNull() && !images.IsUndefined();
    held_doubles(held, kPositions, 3 * n);
    held_doubles(held, kCell, 9);
    held_doubles(held, kForces, 3 * n);
    held_doubles(held, kAtomEnergies, n);
    held_doubles(held, kVirial, 9);
    if (has_images_) integers(images, "images", 3 * n);
    const double skin = number(at(options, "skin"), "skin");
    if (skin < 0) throw Napi::TypeError::New(info.Env(), "skin: expected a length that is not negative");
    auto bound = std::make_shared<Bound>();
    bound->threads = integer(at(options, "threads"), "threads", 1, 1024);
    bound->positions.resize(3 * n);
    bound->cell.resize(9);
    bound->forces.resize(3 * n);
    bound->energies.resize(n);
    bound->virial.resize(9);
    if (has_images_) bound->images.resize(3 * n);
    bound->evaluator = std::make_unique<Evaluator>(
        potential,
        Evaluator::Arrays{bound->positions.data(), has_images_ ? bound->images.data() : nullptr, bound->cell.data(),
                          bound->forces.data(), bound->energies.data(), bound->virial.data()},
        std::move(types), three_booleans(at(options, "pbc"), "pbc"), skin,
        static_cast<SelOverflow>(integer(at(options, "selOverflow"), "selOverflow", 0, 2)));
    arrays_ = Napi::Persistent(held);
    bound_ = std::move(bound);
    info.This().As<Napi::Object>().TypeTag(&evaluator_tag());
  }

  static std::span<double> held_doubles(const Napi::Array& held, Held which, std::size_t length) {
    return doubles(held.Get(which), kHeldNames[which], length);
  }

  Evaluator& idle(const char* method) {
    if (closed()) throw failure("FORCE_FIELD_CLOSED", std::string(method) + ": this force field has been disposed of");
    if (busy_) throw failure("FORCE_FIELD_BUSY", std::string(method) + ": a computation is running; await it first");
    return *bound_->evaluator;
  }

  // A property that is read only. Methods are called by V8 with objects of this class alone; a property may be read through the
  // prototype with any object that some addon has wrapped, and what Unwrap would give is then no EvaluatorObject.
  template <Napi::Value (EvaluatorObject::*get)(const Napi::CallbackInfo&)>
  static Napi::ClassPropertyDescriptor<EvaluatorObject> property(const char* name) {
    napi_property_descriptor descriptor{};
    descriptor.utf8name = name;
    descriptor.attributes = napi_default;
    descriptor.getter = [](napi_env env, napi_callback_info raw) -> napi_value {
      try {
        const Napi::CallbackInfo info(env, raw);
        const Napi::Value object = info.This();
        if (!object.IsObject() || !object.As<Napi::Object>().CheckTypeTag(&evaluator_tag())) {
          throw Napi::TypeError::New(env, "expected an object made by createEvaluator");
        }
        return (Unwrap(object.As<Napi::Object>())->*get)(info);
      } catch (const Napi::Error& error) {
        error.ThrowAsJavaScriptException();
        return nullptr;
      }
    };
    return descriptor;
  }

  bool closed() const { return disposed_ || !bound_; }

  Napi::Error failure(const char* code, const std::string& message) {
    Napi::Error error = Napi::Error::New(Env(), message);
    error.Set("code", Napi::String::New(Env(), code));
    return error;
  }

  void copy_in() {
    const Napi::Array held = arrays_.Value();
    const auto positions = held_doubles(held, kPositions, bound_->positions.size());
    const auto cell = held_doubles(held, kCell, 9);
    std::copy(positions.begin(), positions.end(), bound_->positions.begin());
    std::copy(cell.begin(), cell.end(), bound_->cell.begin());
    if (has_images_) {
      const auto images = integers(held.Get(kImages), "images", bound_->images.size());
      std::copy(images.begin(), images.end(), bound_->images.begin());
    }
  }

  void copy_out() {
    const Napi::Array held = arrays_.Value();
    const auto put = [](const auto& from, const auto& to) { std::copy(from.begin(), from.end(), to.begin()); };
    put(bound_->forces, held_doubles(held, kForces, bound_->forces.size()));
    put(bound_->energies, held_doubles(held, kAtomEnergies, bound_->energies.size()));
    put(bound_->virial, held_doubles(held, kVirial, 9));
    if (has_images_ && bound_->evaluator->rebuilt()) {
      put(bound_->positions, held_doubles(held, kPositions, bound_->positions.size()));
      put(bound_->images, integers(held.Get(kImages), "images", bound_->images.size()));
    }
  }

  Napi::Value compute(const Napi::CallbackInfo& info) {
    idle("compute");
    copy_in();
    bound_->abort = false;
    const auto deferred = std::make_shared<Napi::Promise::Deferred>(Napi::Promise::Deferred::New(info.Env()));
    auto work = std::make_shared<Work>();
    auto bound = bound_;
    work->abort = &bound->abort;
    work->run = [bound] { bound->evaluator->compute(bound->execution()); };
    work->settle = [this, deferred, bound](Napi::Env env, const std::exception_ptr& failed) {
      busy_ = false;
      try {
        if (failed) {
          deferred->Reject(to_error(env, failed).Value());
        } else if (disposed_) {
          // It was done before it saw the flag; its arrays are not ours any more.
          deferred->Reject(failure("ABORTED", "the computation was stopped").Value());
        } else {
          copy_out();
          deferred->Resolve(env.Undefined());
        }
      } catch (const Napi::Error& error) {
        deferred->Reject(error.Value());
      }
      if (disposed_) release();
      Unref();
    };
    try {
      start(info.Env(), work);
    } catch (...) {
      deferred->Reject(to_error(info.Env(), std::current_exception()).Value());
      return deferred->Promise();
    }
    // settle runs on this thread, later. Until then nobody may collect this object.
    busy_ = true;
    Ref();
    return deferred->Promise();
  }

  Napi::Value compute_sync(const Napi::CallbackInfo& info) {
    Evaluator& evaluator = idle("computeSync");
    copy_in();
    bound_->abort = false;
    guarded(info.Env(), [&] { evaluator.compute(bound_->execution()); });
    copy_out();
    return info.Env().Undefined();
  }

  Napi::Value abort(const Napi::CallbackInfo& info) {
    if (bound_) bound_->abort = true;
    return info.Env().Undefined();
  }

  Napi::Value reference(const Napi::CallbackInfo& info) {
    const Evaluator& evaluator = idle("reference");
    if (!evaluator.has_reference()) return info.Env().Null();
    const Napi::Env env = info.Env();
    const auto copy = [&](const auto& from) {
      Napi::Float64Array out = Napi::Float64Array::New(env, from.size());
      std::copy(from.begin(), from.end(), out.Data());
      return out;
    };
    Napi::Object out = Napi::Object::New(env);
    out.Set("positions", copy(evaluator.reference_positions()));
    out.Set("cell", copy(evaluator.reference_cell()));
    return out;
  }

  Napi::Value restore(const Napi::CallbackInfo& info) {
    Evaluator& evaluator = idle("restore");
    const auto positions = doubles(info[0], "positions", bound_->positions.size());
    const auto given = doubles(info[1], "cell", 9);
    std::array<double, 9> cell;
    std::copy(given.begin(), given.end(), cell.begin());
    bound_->abort = false;
    guarded(info.Env(), [&] { evaluator.restore({positions.begin(), positions.end()}, cell, bound_->execution()); });
    return info.Env().Undefined();
  }

  Napi::Value dispose(const Napi::CallbackInfo& info) {
    // A running computation is told to stop; memory is released when it has.
    if (bound_) bound_->abort = true;
    disposed_ = true;
    if (!busy_) release();
    return info.Env().Undefined();
  }

  void release() {
    bound_.reset();
    arrays_.Reset();
  }

  Napi::Value energy(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), idle("energy").results().energy); }
  Napi::Value rebuilds(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), idle("rebuilds").rebuilds()); }
  Napi::Value rebuilt(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), idle("rebuilt").rebuilt()); }
  Napi::Value listed_pairs(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(idle("listedPairs").listed_pairs()));
  }
  Napi::Value pairs_inside(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(idle("pairsInside").results().pairs_inside));
  }
  Napi::Value phase_seconds(const Napi::CallbackInfo& info) {
    const auto& values = idle("phaseSeconds").results().seconds;
    Napi::Float64Array out = Napi::Float64Array::New(info.Env(), std::size(values));
    std::copy(std::begin(values), std::end(values), out.Data());
    return out;
  }
  Napi::Value overflow(const Napi::CallbackInfo& info) {
    const auto& values = idle("overflow").results().overflow;
    Napi::Int32Array out = Napi::Int32Array::New(info.Env(), values.size());
    std::copy(values.begin(), values.end(), out.Data());
    return out;
  }

  std::shared_ptr<Bound> bound_;
  Napi::Reference<Napi::Array> arrays_;  // in the order of Held
  bool has_images_ = false;
  bool busy_ = false;
  bool disposed_ = false;
};

}  // namespace

Napi::Value wrap_potential(Napi::Env env, std::shared_ptr<const Potential> potential) {
  Napi::Object handle = Napi::Object::New(env);
  handle.Set("cutoff", Napi::Number::New(env, potential->cutoff()));
  handle.TypeTag(&potential_tag());
  auto* owner = new std::shared_ptr<const Potential>(std::move(potential));
  const napi_status status = napi_wrap(
      env, handle, owner, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<const Potential>*>(data); },
      nullptr, nullptr);
  if (status != napi_ok) {
    delete owner;
    throw Napi::Error::New(env, "a potential could not be handed to JavaScript");
  }
  return handle;
}

std::shared_ptr<const Potential> unwrap_potential(const Napi::Value& value) {
  void* data = nullptr;
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&potential_tag()) ||
      napi_unwrap(value.Env(), value, &data) != napi_ok) {
    throw Napi::TypeError::New(value.Env(), "potential: expected an object made by createDeepPotential or createPairPotential");
  }
  return *static_cast<std::shared_ptr<const Potential>*>(data);
}

Napi::Value create_evaluator(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    // A class per call would be wasteful, a static one would be shared between environments: it lives in the exports.
    return info.This().As<Napi::Object>().Get("Evaluator").As<Napi::Function>().New({info[0], info[1], info[2]});
  });
}

Napi::Function define_evaluator(Napi::Env env) { return EvaluatorObject::define(env); }

}  // namespace ionclay::addon
