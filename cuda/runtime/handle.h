#pragma once

#include <utility>

namespace lacuna::cuda {

/// Owns one handle of a C library: `destroy` is called on what is not null. Movable. A destructor must not throw, so
/// what `destroy` returns is dropped.
template <class T, auto destroy>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T handle) : handle_(handle) {}
  Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, T{})) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Handle() {
    if (handle_) static_cast<void>(destroy(handle_));
  }

  T get() const { return handle_; }
  explicit operator bool() const { return handle_ != T{}; }

 private:
  T handle_{};
};

}  // namespace lacuna::cuda
