#pragma once

#include <cstdint>

#include "lacuna/network.h"
#include "lacuna/optimizer.h"
#include "lacuna/trainer.h"

namespace lacuna {

/// Bytes that a training run needs beside its data, roughly: parameters, gradients, moments, a copy of the state for
/// checkpoints, the activations of a batch and of the smaller one that ends an epoch of `samples`, with noise and
/// dropout, and what matrix products turn, but not the 1.4 MiB a thread that products of tiles pack into. A double,
/// because nonsense sizes must not overflow.
double training_bytes(const Network& network, const TrainerOptions& options, std::int64_t samples);
/// The same without noise and dropout.
double training_bytes(const Network& network, const Optimizer& optimizer, std::int64_t batch, std::int64_t samples);

/// Bytes of this machine's memory that a run on another device needs beside its data: the parameters and the copy of
/// the state for checkpoints.
double host_bytes(const Network& network, const Optimizer& optimizer);

/// Throws InputError saying how much is needed and how much there is.
void require_memory(double training_bytes, std::int64_t data_bytes);

}  // namespace lacuna
