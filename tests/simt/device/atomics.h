#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <type_traits>

// Threads take turns on one OS thread, so plain memory accesses are atomic. Each returns the old value.
namespace simt {

template <class T>
concept AtomicInteger = std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, unsigned long long> ||
    std::same_as<T, long long>;
template <class T>
concept AtomicNumber = AtomicInteger<T> || std::same_as<T, float> || std::same_as<T, double>;

template <class T>
T exchange(T* address, T value) {
  const T old = *address;
  *address = value;
  return old;
}

// Integers wrap around.
template <class T>
T sum(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
  } else {
    return a + b;
  }
}

}  // namespace simt

template <simt::AtomicNumber T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, simt::sum(*address, value));
}
template <simt::AtomicInteger T>
T atomicSub(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, simt::sum(*address, simt::sum(static_cast<T>(~value), T{1})));
}
template <simt::AtomicNumber T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, value);
}
template <simt::AtomicInteger T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, std::min(*address, value));
}
template <simt::AtomicInteger T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, std::max(*address, value));
}
template <simt::AtomicInteger T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, *address & value);
}
template <simt::AtomicInteger T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, *address | value);
}
template <simt::AtomicInteger T>
T atomicXor(T* address, std::type_identity_t<T> value) {
  return simt::exchange(address, *address ^ value);
}
template <simt::AtomicInteger T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return simt::exchange(address, *address == expected ? value : *address);
}
// Counts 0 ... limit and starts again.
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return simt::exchange(address, *address >= limit ? 0u : *address + 1);
}
inline unsigned atomicDec(unsigned* address, unsigned limit) {
  return simt::exchange(address, *address == 0 || *address > limit ? limit : *address - 1);
}
