#pragma once

#include <chrono>

// Loads and stores with a hint for the caches, which the emulator has none of; and the clock.
namespace simt {
// They are instructions for global memory: a Fault for an address in the block's dynamic shared memory.
void require_global(const void* address, const char* call);
}  // namespace simt

template <class T>
T __ldg(const T* address) {
  simt::require_global(address, "__ldg()");
  return *address;
}
template <class T>
T __ldca(const T* address) {
  simt::require_global(address, "__ldca()");
  return *address;
}
template <class T>
T __ldcg(const T* address) {
  simt::require_global(address, "__ldcg()");
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  simt::require_global(address, "__ldcs()");
  return *address;
}
template <class T>
T __ldcv(const T* address) {
  simt::require_global(address, "__ldcv()");
  return *address;
}
template <class T>
T __ldlu(const T* address) {
  simt::require_global(address, "__ldlu()");
  return *address;
}
template <class T>
void __stwb(T* address, T value) {
  simt::require_global(address, "__stwb()");
  *address = value;
}
template <class T>
void __stcg(T* address, T value) {
  simt::require_global(address, "__stcg()");
  *address = value;
}
template <class T>
void __stcs(T* address, T value) {
  simt::require_global(address, "__stcs()");
  *address = value;
}
template <class T>
void __stwt(T* address, T value) {
  simt::require_global(address, "__stwt()");
  *address = value;
}

// Nanoseconds, where the device counts cycles.
inline long long clock64() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}
inline void __nanosleep(unsigned) {}
