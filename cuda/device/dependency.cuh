#pragma once

#include <cuda_runtime.h>

// Programmatic dependent launch, on devices of compute capability 9.0 and later: a kernel that is launched for it
// (kernels/step_launch.h) may begin as soon as every block of the kernel in front of it has given a signal or ended,
// which is before that kernel's results can be seen. So it must wait.

namespace lacuna::cuda {

/// First statement of every kernel that may be launched so: until here nothing may be read or written but parameters.
/// Behind it all that is in front of the kernel has ended, and its results can be seen. Without such a launch there is
/// nothing to wait for.
///
/// The signal for the next kernel is given at once, before any result is there. That is right because nobody takes it
/// for more than leave to begin: the next kernel of ours waits here too, not for the signal but for the end of this
/// kernel, which comes after all that this one has waited for, and so on to the first of the chain. A library's kernel
/// is launched without all this: it begins when this one has ended, and one of ours behind it waits for its end,
/// whether it gives signals or not. Blocks that wait cannot keep those that they wait for from running: the signal
/// counts when all blocks of a kernel have given it, and by then all have their place.
///
/// No pointer of such a kernel may be __restrict__: it lets the compiler read through the read-only cache, which need
/// not see what was written while the kernel waited.
__device__ __forceinline__ void wait_for_previous() {
#if !defined(__CUDACC__) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900)
  cudaTriggerProgrammaticLaunchCompletion();
  cudaGridDependencySynchronize();
#endif
}

}  // namespace lacuna::cuda
