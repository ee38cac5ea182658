// rho_j = s_j / M; S = beta sum_j KL(rho || rho_j) and its gradient by units, or S = (l1/M) sum_j t_j; mean of rho_j.
//
// s, t and the gradient [H]; t holds the column sums of |h|. The formulas are those of math/penalty.h, in double: there
// are as many of them as units. The gradient joins that of the hidden layer in activation_backward.cu.
// One block of 256 threads over all units; any size. Deterministic.

#include "device/block.cuh"
#include "kernels/kernels.h"
#include "lacuna/math/penalty.h"
#include "runtime/launch.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) sparsity_penalty_kernel(SparsityPenaltyArgs p) {
  const int thread = static_cast<int>(threadIdx.x);
  const double samples = static_cast<double>(p.scalars->sample_count);
  double penalty = 0, activation = 0;
  for (std::int64_t j = thread; j < p.units; j += kThreads) {
    const double rho_hat = static_cast<double>(p.column_sums[j]) / samples;
    activation += rho_hat;
    if (p.kind == Sparsity::kl) {
      penalty += p.beta * math::KlPenalty::value(p.rho, rho_hat);
      if (p.column_gradient)
        p.column_gradient[j] = static_cast<float>(p.beta / samples * math::KlPenalty::derivative(p.rho, rho_hat));
    } else if (p.kind == Sparsity::l1) {
      penalty += p.l1 / samples * static_cast<double>(p.column_abs_sums[j]);
    }
  }
  penalty = block_sum<kThreads>(penalty, thread);
  activation = block_sum<kThreads>(activation, thread);
  if (thread != 0) return;
  *p.value = penalty;
  *p.mean_activation = activation / static_cast<double>(p.units);
}

}  // namespace

void sparsity_penalty(const Workspace& workspace, const SparsityPenaltyArgs& p) {
  launch(&sparsity_penalty_kernel, LaunchShape(1, kThreads, 0, workspace.stream), p);
}

}  // namespace lacuna::cuda
