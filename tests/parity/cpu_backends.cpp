#include "parity/backends.h"

namespace lacuna::test {

std::vector<BackendFactory> parity_backends() {
  return {{"cpu_1_thread", [] { return make_cpu_backend(1); }}, {"cpu_2_threads", [] { return make_cpu_backend(2); }}};
}

}  // namespace lacuna::test
