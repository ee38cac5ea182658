#include "parity/backends.h"

namespace lacuna::test {

/// A real device. Where there is none, making the backend throws, and the tests that were asked for fail.
std::vector<BackendFactory> parity_backends() {
  return {{"cuda", [] { return make_backend("cuda"); }}};
}

}  // namespace lacuna::test
