// Ref<T>: a counted reference to something immutable that several shards read.
//
// Threads    Each Ref belongs to one thread; the count is atomic. What it refers to is not changed
//            after the first Ref has been given away.
// Ownership  The last Ref to go destroys the object, on whatever thread that is. T derives from
//            Counted<T>.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace halley::base {

template <typename T>
class Ref;

template <typename T>
class Counted {
 private:
  friend class Ref<T>;
  std::atomic<uint32_t> references_{0};
};

template <typename T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) { Acquire(); }
  Ref(const Ref& other) : object_(other.object_) { Acquire(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    // Acquire and release: everything the other holders did with it comes before its end.
    if (object_ != nullptr && count().fetch_sub(1, std::memory_order_acq_rel) == 1) delete object_;
  }

  explicit operator bool() const { return object_ != nullptr; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  std::atomic<uint32_t>& count() { return static_cast<Counted<T>*>(object_)->references_; }
  void Acquire() {
    // Relaxed: whoever copies a Ref holds one already.
    if (object_ != nullptr) count().fetch_add(1, std::memory_order_relaxed);
  }

  T* object_ = nullptr;
};

}  // namespace halley::base
