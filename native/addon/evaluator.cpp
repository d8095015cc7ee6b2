// SPDX-License-Identifier: MIT
// Potentials bound to one set of atoms, for JavaScript. The caller's arrays are copied in before and out after a computation (a
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
  // Results of one potential.
  struct Output {
    std::vector<double> forces, energies, virial;
  };

  std::vector<double> positions, cell;
  std::vector<std::int32_t> images;
  std::vector<Output> outputs;
  std::unique_ptr<Evaluator> evaluator;
  std::atomic<bool> abort{false};
  int threads = 1;
  bool members = true;  // whether the computation is of all potentials

  Execution execution() { return {threads, &abort}; }
  void compute() { evaluator->compute(execution(), members); }
};

// The arrays that are held: these three, then three for each potential.
enum Held : std::uint32_t { kPositions, kImages, kCell, kInputs };
constexpr const char* kInputNames[kInputs] = {"positions", "images", "cell"};
enum HeldOutput : std::uint32_t { kForces, kAtomEnergies, kVirial, kOutputs };
constexpr const char* kOutputNames[kOutputs] = {"forces", "atomEnergies", "virial"};
constexpr std::uint32_t kMostMembers = 64;

std::vector<std::shared_ptr<const Potential>> potentials(const Napi::Value& value) {
  if (!value.IsArray()) return {unwrap_potential(value)};
  const Napi::Array list = array(value, "potentials");
  const std::uint32_t count = list.Length();
  if (count < 1 || count > kMostMembers) {
    throw Napi::TypeError::New(value.Env(), "potentials: expected 1 to " + std::to_string(kMostMembers) + " of them");
  }
  std::vector<std::shared_ptr<const Potential>> out;
  for (std::uint32_t k = 0; k < count; ++k) out.push_back(unwrap_potential(list.Get(k)));
  return out;
}

std::vector<double> optional_doubles(const Napi::Value& value, const char* name) {
  if (value.IsNull() || value.IsUndefined()) return {};
  const auto view = doubles(value, name);
  return {view.begin(), view.end()};
}

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
                           InstanceMethod<&EvaluatorObject::member_overflow>("memberOverflow"),
                           property<&EvaluatorObject::energy>("energy"),
                           property<&EvaluatorObject::energies>("energies"),
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
    auto members = potentials(info[0]);
    const auto count = static_cast<std::uint32_t>(members.size());
    const Napi::Object arrays = object(info[1], "arrays");
    const Napi::Object options = object(info[2], "options");
    const auto view = integers(at(options, "types"), "types");
    std::vector<std::int32_t> types(view.begin(), view.end());
    const std::size_t n = types.size();
    if (n < 1) throw Napi::TypeError::New(info.Env(), "types: expected at least one atom");
    for (const std::int32_t type : types) {
      if (type < -1 || type >= members[0]->ntypes())
        throw Napi::TypeError::New(info.Env(), "types: index outside the potential's types");
    }
    const Napi::Array held = hold(arrays, count);
    const Napi::Value images = held.Get(kImages);
    has_images_ = !images.IsNull() && !images.IsUndefined();
    held_doubles(held, kPositions, 3 * n);
    held_doubles(held, kCell, 9);
    if (has_images_) integers(images, "images", 3 * n);
    const double skin = number(at(options, "skin"), "skin");
    if (skin < 0) throw Napi::TypeError::New(info.Env(), "skin: expected a length that is not negative");
    auto bound = std::make_shared<Bound>();
    bound->threads = integer(at(options, "threads"), "threads", 1, 1024);
    bound->positions.resize(3 * n);
    bound->cell.resize(9);
    if (has_images_) bound->images.resize(3 * n);
    bound->outputs.resize(count);
    Evaluator::Arrays inner{bound->positions.data(), has_images_ ? bound->images.data() : nullptr, bound->cell.data(), {}};
    for (std::uint32_t k = 0; k < count; ++k) {
      Bound::Output& output = bound->outputs[k];
      output.forces.resize(held_output(held, k, kForces, 3 * n).size());
      output.energies.resize(held_output(held, k, kAtomEnergies, n).size());
      output.virial.resize(held_output(held, k, kVirial, 9).size());
      inner.outputs.push_back({output.forces.data(), output.energies.data(), output.virial.data()});
    }
    bound->evaluator = std::make_unique<Evaluator>(
        std::move(members), std::move(inner), std::move(types), three_booleans(at(options, "pbc"), "pbc"), skin,
        static_cast<SelOverflow>(integer(at(options, "selOverflow"), "selOverflow", 0, 2)),
        Evaluator::Parameters{optional_doubles(at(options, "fparam"), "fparam"),
                              optional_doubles(at(options, "aparam"), "aparam")});
    arrays_ = Napi::Persistent(held);
    bound_ = std::move(bound);
    info.This().As<Napi::Object>().TypeTag(&evaluator_tag());
  }

  // The arrays themselves are held, not the objects that brought them: these could be changed, or run code when they are read.
  static Napi::Array hold(const Napi::Object& arrays, std::uint32_t count) {
    Napi::Array held = Napi::Array::New(arrays.Env(), kInputs + kOutputs * count);
    for (std::uint32_t k = 0; k < kInputs; ++k) held.Set(k, at(arrays, kInputNames[k]));
    const auto hold_outputs = [&](std::uint32_t member, const Napi::Object& from) {
      for (std::uint32_t k = 0; k < kOutputs; ++k) held.Set(kInputs + kOutputs * member + k, at(from, kOutputNames[k]));
    };
    hold_outputs(0, arrays);
    if (count == 1) return held;
    const Napi::Array members = array(at(arrays, "members"), "members");
    if (members.Length() != count - 1) {
      throw Napi::TypeError::New(arrays.Env(), "members: expected " + std::to_string(count - 1) + " sets of arrays");
    }
    for (std::uint32_t k = 1; k < count; ++k) hold_outputs(k, object(members.Get(k - 1), "members"));
    return held;
  }

  static std::span<double> held_doubles(const Napi::Array& held, Held which, std::size_t length) {
    return doubles(held.Get(which), kInputNames[which], length);
  }

  static std::span<double> held_output(const Napi::Array& held, std::uint32_t member, HeldOutput which, std::size_t length) {
    return doubles(held.Get(kInputs + kOutputs * member + which), kOutputNames[which], length);
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
    const std::uint32_t count = bound_->members ? static_cast<std::uint32_t>(bound_->outputs.size()) : 1;
    for (std::uint32_t k = 0; k < count; ++k) {
      const Bound::Output& output = bound_->outputs[k];
      put(output.forces, held_output(held, k, kForces, output.forces.size()));
      put(output.energies, held_output(held, k, kAtomEnergies, output.energies.size()));
      put(output.virial, held_output(held, k, kVirial, 9));
    }
    if (has_images_ && bound_->evaluator->rebuilt()) {
      put(bound_->positions, held_doubles(held, kPositions, bound_->positions.size()));
      put(bound_->images, integers(held.Get(kImages), "images", bound_->images.size()));
    }
  }

  // The one argument: whether all potentials are evaluated (the default) or the first alone.
  void prepare(const Napi::CallbackInfo& info) {
    bound_->members = info[0].IsUndefined() || boolean(info[0], "members");
    copy_in();
    bound_->abort = false;
  }

  Napi::Value compute(const Napi::CallbackInfo& info) {
    idle("compute");
    prepare(info);
    const auto deferred = std::make_shared<Napi::Promise::Deferred>(Napi::Promise::Deferred::New(info.Env()));
    auto work = std::make_shared<Work>();
    auto bound = bound_;
    work->abort = &bound->abort;
    work->run = [bound] { bound->compute(); };
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
    idle("computeSync");
    prepare(info);
    guarded(info.Env(), [&] { bound_->compute(); });
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
  Napi::Value energies(const Napi::CallbackInfo& info) {
    const Evaluator& evaluator = idle("energies");
    Napi::Float64Array out = Napi::Float64Array::New(info.Env(), evaluator.size());
    for (std::size_t k = 0; k < evaluator.size(); ++k) out[k] = evaluator.results(k).energy;
    return out;
  }
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
  Napi::Value overflow(const Napi::CallbackInfo& info) { return overflow_of(info.Env(), idle("overflow").results()); }
  Napi::Value member_overflow(const Napi::CallbackInfo& info) {
    const Evaluator& evaluator = idle("memberOverflow");
    const int member = integer(info[0], "member", 0, static_cast<int>(evaluator.size()) - 1);
    return overflow_of(info.Env(), evaluator.results(static_cast<std::size_t>(member)));
  }

  static Napi::Value overflow_of(Napi::Env env, const Results& results) {
    const auto& values = results.overflow;
    Napi::Int32Array out = Napi::Int32Array::New(env, values.size());
    std::copy(values.begin(), values.end(), out.Data());
    return out;
  }

  std::shared_ptr<Bound> bound_;
  Napi::Reference<Napi::Array> arrays_;  // in the order of Held and HeldOutput
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
