#pragma once

#include <cuda_runtime.h>

#include <utility>

#include "runtime/check.h"

namespace lacuna::cuda {

/// Grid, block, dynamic shared memory in bytes and stream of a launch, and where it was written.
struct LaunchShape {
  dim3 grid, block;
  std::size_t shared;
  cudaStream_t stream;
  const char* file;
  int line;
  /// May begin before the kernel in front of it in the stream is done, and waits for that itself
  /// (device/dependency.cuh).
  bool programmatic = false;

  LaunchShape(dim3 g, dim3 b, std::size_t shared_bytes, cudaStream_t s, const char* f = __builtin_FILE(),
              int l = __builtin_LINE())
      : grid(g), block(b), shared(shared_bytes), stream(s), file(f), line(l) {}
};

/// Launches a kernel; no <<<>>>, so that the same text compiles for the emulator.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), const LaunchShape& shape, Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared;
  config.stream = shape.stream;
  cudaLaunchAttribute programmatic{};
  programmatic.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  programmatic.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &programmatic;
  config.numAttrs = shape.programmatic ? 1 : 0;
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), "a kernel launch", shape.file,
        shape.line);
}

/// The same with all blocks resident at once, so that they may wait for each other.
template <class... Parameters, class... Arguments>
void launch_cooperative(void (*kernel)(Parameters...), const LaunchShape& shape, Arguments&&... arguments) {
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared;
  config.stream = shape.stream;
  config.attrs = &cooperative;
  config.numAttrs = 1;
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), "a cooperative launch", shape.file,
        shape.line);
}

}  // namespace lacuna::cuda
