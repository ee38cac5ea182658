#pragma once

#include <cuda_runtime.h>

#include <cstdint>

// Loads and stores of kWidth neighbouring elements at once: 16 bytes of float for width 4. Addresses must be aligned to
// their width.

namespace lacuna::cuda {

template <int kWidth>
struct Floats {
  float at[kWidth];
};

template <int kWidth>
__device__ __forceinline__ Floats<kWidth> load(const float* from) {
  static_assert(kWidth == 1 || kWidth == 4);
  if constexpr (kWidth == 4) {
    const float4 v = *reinterpret_cast<const float4*>(from);
    return {{v.x, v.y, v.z, v.w}};
  } else {
    return {{*from}};
  }
}

/// To global memory.
template <int kWidth>
__device__ __forceinline__ void store(float* to, const Floats<kWidth>& values) {
  // An assignment to the float4 would do, but nvcc 13 takes it apart and writes the floats one by one.
  if constexpr (kWidth == 4)
    __stwb(reinterpret_cast<float4*>(to), make_float4(values.at[0], values.at[1], values.at[2], values.at[3]));
  else
    *to = values.at[0];
}

/// To shared memory, where __stwb, which is an instruction for global memory, must not go.
__device__ __forceinline__ void store_shared(float* to, const Floats<4>& values) {
  *reinterpret_cast<float4*>(to) = make_float4(values.at[0], values.at[1], values.at[2], values.at[3]);
}

/// A byte of a word as a number from 0 to 255. As the last digits of 2^23 it makes a float whose last digits count
/// ones: a permutation of bytes and a subtraction, where conversions of integers run at a lower rate.
template <int kByte>
__device__ __forceinline__ float whole_number(unsigned word) {
  return __uint_as_float(__byte_perm(word, 0x4B000000u, 0x7650u + kByte)) - 8388608.0f;
}

/// Bytes as numbers from 0 to 255.
template <int kWidth>
__device__ __forceinline__ Floats<kWidth> load(const std::uint8_t* from) {
  if constexpr (kWidth == 4) {
    const unsigned word = *reinterpret_cast<const unsigned*>(from);
    return {{whole_number<0>(word), whole_number<1>(word), whole_number<2>(word), whole_number<3>(word)}};
  } else {
    return {{static_cast<float>(*from)}};
  }
}

}  // namespace lacuna::cuda
