#include "together/joint_steps.h"

#include <algorithm>

namespace lacuna::cuda {

JointSteps::JointSteps(const std::vector<const JointPlan*>& plans, const Stream& trunk, const CublasLt& library)
    : trunk_(trunk), library_(library) {
  for (const JointPlan* plan : plans)
    models_.push_back({plan, plan->resources(), plan->products_by_operation(), Event()});
  add_products();
}

std::int64_t JointSteps::longest() const {
  std::int64_t steps = models_.front().plan->sequence().longest();
  for (const Model& model : models_) steps = std::min(steps, model.plan->sequence().longest());
  return steps;
}

void JointSteps::add_products() {
  std::vector<const void*> table;
  std::int64_t workspace_bytes = 1;
  const auto count = static_cast<int>(models_.size());
  const auto& operations = models_.front().products;
  for (std::size_t o = 0; o < operations.size(); ++o) {
    std::vector<Joint>& joints = joints_.emplace_back();
    for (std::size_t p = 0; p < operations[o].size(); ++p) {
      std::vector<ProductAddresses> at;
      for (const Model& model : models_) at.push_back(model.plan->addresses(model.products[o][p]));
      const PlanProducts& products = models_.front().plan->products();
      const LtProduct* chosen = products.chosen(operations[o][p].shape, at.front());
      joints.push_back({chosen ? library_.batch(*chosen, count) : std::nullopt, table.size()});
      if (const auto& batch = joints.back().batch)
        workspace_bytes = std::max(workspace_bytes, batch->workspace_bytes());
      for (const ProductAddresses& of : at) table.push_back(of.a);
      for (const ProductAddresses& of : at) table.push_back(of.b);
      for (const ProductAddresses& of : at) table.push_back(of.c);
    }
  }
  const std::size_t bytes = table.size() * sizeof table.front();
  workspace_ = DeviceMemory(workspace_bytes, "the workspace of joint products");
  table_ = DeviceMemory(static_cast<std::int64_t>(bytes), "addresses of products");
  LACUNA_CUDA(cudaMemcpyAsync(table_.get(), table.data(), bytes, cudaMemcpyHostToDevice, trunk_.get()));
  trunk_.synchronize();
}

void JointSteps::enqueue(std::int64_t steps) const {
  fork_models();
  for (std::int64_t step = 0; step < steps; ++step) enqueue_step();
  join_models();
}

void JointSteps::enqueue_step() const {
  std::vector<Bf16Copies> copies;
  std::vector<Operations> next, end;
  for (const Model& model : models_) {
    copies.emplace_back(model.resources.plan);
    next.push_back(model.plan->sequence().operations().begin());
    end.push_back(model.plan->sequence().operations().end());
  }
  const auto is_product = [this](std::size_t model, Operations at) {
    return !products_of(models_[model].resources.plan, *at->operation).empty();
  };
  const auto rest = [&](std::size_t model) {
    enqueue_rest(*next[model], models_[model].resources, copies[model]);
    ++next[model];
  };
  for (std::size_t o = 0; o < joints_.size(); ++o) {
    for (std::size_t m = 0; m < models_.size(); ++m)
      while (!is_product(m, next[m])) rest(m);
    for (std::size_t p = 0; p < joints_[o].size(); ++p) multiply(joints_[o][p], o, p, copies);
    for (std::size_t m = 0; m < models_.size(); ++m) rest(m);
  }
  for (std::size_t m = 0; m < models_.size(); ++m)
    while (next[m] != end[m]) rest(m);
}

void JointSteps::multiply(const Joint& joint, std::size_t operation, std::size_t product,
                          std::vector<Bf16Copies>& copies) const {
  for (std::size_t m = 0; m < models_.size(); ++m) {
    const Model& model = models_[m];
    const PlannedProduct& of = model.products[operation][product];
    const ProductAddresses at = enqueue_copies(of, model.resources, copies[m]);
    if (!joint.batch) model.plan->products().multiply(of.shape, at);
  }
  if (!joint.batch) return;
  join_models();
  const std::size_t count = models_.size();
  auto* operands = reinterpret_cast<const void* const*>(table_.get()) + joint.first;
  auto* results = reinterpret_cast<float* const*>(table_.get()) + joint.first + 2 * count;
  (*joint.batch)(operands, operands + count, results, workspace_);
  fork_models();
}

void JointSteps::fork_models() const {
  done_.record(trunk_.get());
  for (const Model& model : models_) done_.hold_back(model.plan->stream().get());
}

void JointSteps::join_models() const {
  for (const Model& model : models_) {
    model.ready.record(model.plan->stream().get());
    model.ready.hold_back(trunk_.get());
  }
}

}  // namespace lacuna::cuda
