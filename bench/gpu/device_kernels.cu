// What it costs to begin a kernel and to meet within one.
//
// nothing_kernel   grid 1, block 32: lets the next kernel begin, then waits for the one before it
// barriers_kernel  grid of at most one block for each multiprocessor, block 256, cooperative: `count` grid barriers
// cluster_kernel   never run: how many of its blocks make a cluster is asked of the driver

#include <cooperative_groups.h>

#include "gpu/device_kernels.h"
#include "runtime/check.h"
#include "runtime/launch.h"

namespace lacuna::bench {

namespace {

__global__ void nothing_kernel() {
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
  cudaGridDependencySynchronize();
#endif
}

__global__ void barriers_kernel(int count) {
  const auto grid = cooperative_groups::this_grid();
  for (int i = 0; i < count; ++i) grid.sync();
}

__global__ void cluster_kernel() {}

void launch_with(cudaLaunchAttribute attribute, void (*kernel)(), dim3 grid, dim3 block, cudaStream_t stream) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  LACUNA_CUDA(cudaLaunchKernelEx(&config, kernel));
}

}  // namespace

void launch_nothing(cudaStream_t stream, bool programmatic) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = programmatic;
  launch_with(attribute, nothing_kernel, 1, 32, stream);
}

void launch_barriers(cudaStream_t stream, int blocks, int barriers) {
  void* arguments[] = {&barriers};
  LACUNA_CUDA(cudaLaunchCooperativeKernel(barriers_kernel, blocks, 256, arguments, 0, stream));
}

int largest_cluster(int shared_bytes) {
  int device = 0, major = 0;
  LACUNA_CUDA(cudaGetDevice(&device));
  LACUNA_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  if (major < 9) return 0;
  LACUNA_CUDA(cudaFuncSetAttribute(cluster_kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
  LACUNA_CUDA(cudaFuncSetAttribute(cluster_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
  cudaLaunchConfig_t config{};
  config.gridDim = 16;
  config.blockDim = 256;
  config.dynamicSmemBytes = static_cast<std::size_t>(shared_bytes);
  int blocks = 0;
  LACUNA_CUDA(cudaOccupancyMaxPotentialClusterSize(&blocks, cluster_kernel, &config));
  return blocks;
}

}  // namespace lacuna::bench
