#pragma once

#include "core/bf16_copies.h"
#include "fuse.h"
#include "plan_convolutions.h"
#include "plan_layout.h"
#include "plan_products.h"
#include "planned_products.h"

namespace lacuna::cuda {

/// What the work of a plan is made from. The plan's bound and scratch memory has been placed.
struct PlanResources {
  const StepPlan& plan;
  const PlanLayout& layout;
  const PlanProducts& products;  ///< on the workspace's stream
  const PlanConvolutions& convolutions;
  Workspace workspace;
  bool gathers_ahead = false;     ///< Gather is for the step after the current one, which it is to begin with
  bool begins_next_step = false;  ///< EndStep does so, with what was gathered ahead
};

/// Puts the work of an operation, and of the one that rides along, on the stream. `copies` knows what the operations
/// that were enqueued before it in its step have left of copies.
void enqueue(const FusedOperation& operation, const PlanResources& resources, Bf16Copies& copies);

/// The same in two, for whoever computes the products otherwise: the bfloat16 copies that a product needs, and where it
/// finds its operands then; and what comes after an operation's products.
ProductAddresses enqueue_copies(const PlannedProduct& product, const PlanResources& resources, Bf16Copies& copies);
void enqueue_rest(const FusedOperation& operation, const PlanResources& resources, Bf16Copies& copies);

}  // namespace lacuna::cuda
