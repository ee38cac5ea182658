#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "device/context.h"

// Operations among the lanes of a warp. Stricter than the hardware: every lane of the mask must arrive at the same
// call, none may have exited, and a shuffle may read only lanes of the mask.
namespace simt {

template <class T>
concept WarpValue = std::is_arithmetic_v<T> && sizeof(T) <= 8;

template <WarpValue T>
std::uint64_t to_bits(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <WarpValue T>
T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline unsigned lane() {
  return context.rank % 32;
}

inline std::uint64_t meet_warp(const char* call, Operation operation, unsigned mask, std::uint64_t value,
                               const Site& site) {
  return wait(State::at_warp, {.site = site, .call = call, .operation = operation, .mask = mask, .value = value});
}

template <WarpValue T>
T shuffle(const char* call, unsigned mask, T value, unsigned source, const Site& site) {
  return from_bits<T>(wait(State::at_warp, {.site = site,
                                            .call = call,
                                            .operation = Operation::shuffle,
                                            .mask = mask,
                                            .source = source,
                                            .value = to_bits(value)}));
}

// First lane of the segment of `width` lanes that the caller is in.
inline unsigned segment(int width, const Site& site) {
  if (width < 1 || width > 32 || (width & (width - 1)) != 0)
    fail("shuffle whose width is not 1, 2, 4, 8, 16 or 32", site);
  return lane() & ~(static_cast<unsigned>(width) - 1);
}

}  // namespace simt

template <simt::WarpValue T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, simt::Site site = simt::Site::current()) {
  const unsigned first = simt::segment(width, site);
  return simt::shuffle("__shfl_sync", mask, value, first + (static_cast<unsigned>(source) & (width - 1)), site);
}
template <simt::WarpValue T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Site site = simt::Site::current()) {
  const unsigned first = simt::segment(width, site), own = simt::lane();
  return simt::shuffle("__shfl_up_sync", mask, value, delta > own - first ? own : own - delta, site);
}
template <simt::WarpValue T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Site site = simt::Site::current()) {
  const unsigned last = simt::segment(width, site) + static_cast<unsigned>(width) - 1, own = simt::lane();
  return simt::shuffle("__shfl_down_sync", mask, value, delta > last - own ? own : own + delta, site);
}
template <simt::WarpValue T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, simt::Site site = simt::Site::current()) {
  const unsigned last = simt::segment(width, site) + static_cast<unsigned>(width) - 1, own = simt::lane();
  const unsigned source = own ^ static_cast<unsigned>(lane_mask);
  return simt::shuffle("__shfl_xor_sync", mask, value, source > last ? own : source, site);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, simt::Site site = simt::Site::current()) {
  simt::meet_warp("__syncwarp", simt::Operation::none, mask, 0, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(simt::meet_warp("__ballot_sync", simt::Operation::ballot, mask, predicate != 0, site));
}
inline int __any_sync(unsigned mask, int predicate, simt::Site site = simt::Site::current()) {
  return simt::meet_warp("__any_sync", simt::Operation::ballot, mask, predicate != 0, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, simt::Site site = simt::Site::current()) {
  return simt::meet_warp("__all_sync", simt::Operation::ballot, mask, predicate != 0, site) == mask;
}

template <simt::WarpValue T>
unsigned __match_any_sync(unsigned mask, T value, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(
      simt::meet_warp("__match_any_sync", simt::Operation::match_any, mask, simt::to_bits(value), site));
}
template <simt::WarpValue T>
unsigned __match_all_sync(unsigned mask, T value, int* predicate, simt::Site site = simt::Site::current()) {
  const auto lanes = static_cast<unsigned>(
      simt::meet_warp("__match_all_sync", simt::Operation::match_all, mask, simt::to_bits(value), site));
  *predicate = lanes != 0;
  return lanes;
}

inline unsigned __reduce_add_sync(unsigned mask, unsigned value, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(simt::meet_warp("__reduce_add_sync", simt::Operation::add, mask, value, site));
}
inline int __reduce_add_sync(unsigned mask, int value, simt::Site site = simt::Site::current()) {
  return static_cast<int>(__reduce_add_sync(mask, static_cast<unsigned>(value), site));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(simt::meet_warp("__reduce_min_sync", simt::Operation::min_unsigned, mask, value, site));
}
inline int __reduce_min_sync(unsigned mask, int value, simt::Site site = simt::Site::current()) {
  return static_cast<int>(
      simt::meet_warp("__reduce_min_sync", simt::Operation::min_signed, mask, simt::to_bits(value), site));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(simt::meet_warp("__reduce_max_sync", simt::Operation::max_unsigned, mask, value, site));
}
inline int __reduce_max_sync(unsigned mask, int value, simt::Site site = simt::Site::current()) {
  return static_cast<int>(
      simt::meet_warp("__reduce_max_sync", simt::Operation::max_signed, mask, simt::to_bits(value), site));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(simt::meet_warp("__reduce_and_sync", simt::Operation::bit_and, mask, value, site));
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(simt::meet_warp("__reduce_or_sync", simt::Operation::bit_or, mask, value, site));
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, simt::Site site = simt::Site::current()) {
  return static_cast<unsigned>(simt::meet_warp("__reduce_xor_sync", simt::Operation::bit_xor, mask, value, site));
}

// The hardware promises no more than the calling lane, and a kernel must not rely on more.
inline unsigned __activemask() {
  return 1u << simt::lane();
}
