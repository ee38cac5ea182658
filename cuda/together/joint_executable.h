#pragma once

#include "cuda_executable.h"
#include "together/joint_models.h"

namespace lacuna::cuda {

/// As compile(), but the steps' products are computed together with those of the group's other models wherever their
/// threads are there; the group must outlive the executable.
std::unique_ptr<Executable> compile_joint(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                          ProductChoice& choice, Cudnn& cudnn, int multiprocessors, JointModels& group);

}  // namespace lacuna::cuda
