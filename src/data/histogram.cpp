#include "data/histogram.h"

#include <cstddef>
#include <cstring>

namespace lacuna::data {

ByteHistogram byte_histogram(const std::uint8_t* values, std::int64_t count) {
  // Images are mostly one value, and counting it in one place would wait for each store: eight tables, and whole words
  // of zeros counted at once.
  std::array<ByteHistogram, 8> tables{};
  std::int64_t zero_words = 0;
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, values + i, 8);
    if (word == 0) {
      ++zero_words;
      continue;
    }
    for (std::size_t byte = 0; byte < 8; ++byte) ++tables[byte][values[i + static_cast<std::int64_t>(byte)]];
  }
  for (; i < count; ++i) ++tables[0][values[i]];

  ByteHistogram histogram = tables[0];
  for (std::size_t table = 1; table < 8; ++table)
    for (std::size_t value = 0; value < 256; ++value) histogram[value] += tables[table][value];
  histogram[0] += 8 * zero_words;
  return histogram;
}

}  // namespace lacuna::data
