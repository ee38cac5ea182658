#pragma once

#include <array>
#include <cstdint>

namespace lacuna::data {

using ByteHistogram = std::array<std::int64_t, 256>;

/// How often each byte value occurs.
ByteHistogram byte_histogram(const std::uint8_t* values, std::int64_t count);

}  // namespace lacuna::data
