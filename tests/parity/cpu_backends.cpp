#include <iostream>

#include "cpu/gemm_bf16.h"
#include "parity/backends.h"

namespace lacuna::test {

std::vector<BackendFactory> parity_backends() {
  std::vector<BackendFactory> list{{"cpu_1_thread", [] { return make_cpu_backend(1); }},
                                   {"cpu_2_threads", [] { return make_cpu_backend(2); }}};
  const auto make_bf16 = [] { return make_backend("cpu", {.threads = 2, .precision = Precision::bf16}); };
  if (const std::string why = cpu::why_no_bf16(); why.empty())
    list.push_back({.name = "cpu_bf16", .make = make_bf16, .slower = 2, .precision = Precision::bf16});
  else
    std::cerr << "no tests of bf16 on the CPU: " << why << "\n";  // not to standard output, which lists the tests
  return list;
}

}  // namespace lacuna::test
