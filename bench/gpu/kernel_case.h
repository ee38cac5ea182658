#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gpu/operands.h"
#include "kernels/kernels.h"

namespace lacuna::bench {

/// One kernel at one size.
struct KernelCase {
  using Call = std::function<void(const cuda::Workspace&)>;

  std::string name;
  double bytes_moved = 0;    ///< by the formula in the kernel's file
  double operand_bytes = 0;  ///< what the call's large operands occupy
  cuda::WorkspaceNeeds needs = {};
  /// Makes a call on operands of its own, and on operands that all calls of the case share.
  std::function<Call(Operands& shared, Operands& own)> make;
  bool hot = false;  ///< every call on the same operands, which stay in the L2 cache if they fit
};

/// Every kernel, from sizes that the main job has to gigabytes, rows of a multiple of four floats and others.
std::vector<KernelCase> kernel_cases(int multiprocessors);

// The parts of that list.
void add_pass_cases(std::vector<KernelCase>& cases, int multiprocessors);
void add_softmax_cases(std::vector<KernelCase>& cases, int multiprocessors);
void add_code_cases(std::vector<KernelCase>& cases);
void add_vector_cases(std::vector<KernelCase>& cases, int multiprocessors);
void add_update_cases(std::vector<KernelCase>& cases);
void add_copy_cases(std::vector<KernelCase>& cases);
void add_step_cases(std::vector<KernelCase>& cases);

/// A copy on the device: what the others are held against.
KernelCase copy_case(std::int64_t floats, bool hot);

}  // namespace lacuna::bench
