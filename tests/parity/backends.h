#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "lacuna/backend.h"

namespace lacuna::test {

/// A way to make a backend that is to be held against the reference.
struct BackendFactory {
  std::string name;  ///< letters, digits and underscores
  std::function<std::unique_ptr<Backend>()> make;
  std::int64_t slower = 1;                ///< how many times smaller the checks should be, for their time
  Precision precision = Precision::fp32;  ///< what `make` asks for
  friend void PrintTo(const BackendFactory& factory, std::ostream* stream) { *stream << factory.name; }
};

/// The backends that this test program checks. Each program links the file that lists its own: every test here runs
/// on whatever is listed.
std::vector<BackendFactory> parity_backends();
/// Those in float32, for what another precision does not change; and the others, for what it does.
std::vector<BackendFactory> fp32_backends();
std::vector<BackendFactory> reduced_backends();
/// Without those on which checks that cannot be made smaller take too long.
std::vector<BackendFactory> full_size_backends();

}  // namespace lacuna::test
