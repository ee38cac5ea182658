#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lacuna/error.h"
#include "lacuna/tensor.h"

namespace lacuna::fuzz {

/// Reads every byte of an array that a parser accepted, where AddressSanitizer watches, and checks its alignment.
inline void touch(const ConstTensorView& view) {
  const auto* bytes = static_cast<const volatile unsigned char*>(view.data);
  const std::int64_t count = view.bytes();
  if (count > 0 && reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(size_of(view.dtype)) != 0)
    std::abort();
  unsigned sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += bytes[i];
  static_cast<void>(sum);
}

/// Runs a parser. Bytes that cannot be used must be refused by an InputError of one line and by nothing else.
template <class Parse>
int check(Parse&& parse) {
  try {
    parse();
  } catch (const InputError& error) {
    const std::string_view what = error.what();
    if (what.find('\n') != what.npos || what.find("input") == what.npos) std::abort();
  }
  return 0;
}

}  // namespace lacuna::fuzz
