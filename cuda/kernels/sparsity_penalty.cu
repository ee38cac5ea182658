// rho_j = s_j / (M P); S = beta sum_j KL(rho || rho_j) and its gradient by units, or S = (l1/M) sum_j t_j; mean of
// rho_j.
//
// s, t and the gradient [H]; t holds the column sums of |h|; P values of each sample belong to a unit, one unless it is
// a channel. The formulas are those of math/penalty.h, in double: there are as many of them as units. The gradient
// joins that of the hidden layer in activation_backward.cu. One block of 256 threads over all units; any size. Where
// the sums come from a pass over a dense code, that pass does this on its way (bias_activation.cu, column_sums.cu).
// Deterministic.

#include "kernels/penalty_units.cuh"
#include "kernels/step_launch.h"

namespace lacuna::cuda {

namespace {

__global__ void __launch_bounds__(kPassThreads) sparsity_penalty_kernel(SparsityPenaltyArgs p) {
  wait_for_previous();
  const int thread = static_cast<int>(threadIdx.x);
  const PenaltySums sums = penalty_of_units(p, 0, p.units, thread);
  if (thread == 0) store_penalty(p, sums);
}

}  // namespace

void sparsity_penalty(const Workspace& workspace, const SparsityPenaltyArgs& p) {
  launch(&sparsity_penalty_kernel, step_shape(1, kPassThreads, workspace), p);
}

}  // namespace lacuna::cuda
