// The program around the benchmarks of the CPU backend.

#include <benchmark/benchmark.h>

#include "lacuna/backend.h"

int main(int argc, char** argv) {
  const auto device = lacuna::make_cpu_backend()->describe();
  benchmark::AddCustomContext("processor", device.name);
  for (const auto& [key, value] : device.properties) benchmark::AddCustomContext(key, value);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
