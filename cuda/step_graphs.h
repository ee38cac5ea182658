#pragma once

#include <algorithm>
#include <vector>

#include "runtime/graph.h"

namespace lacuna::cuda {

/// How the steps of a plan are put into graphs.
struct GraphOptions {
  std::int64_t most_steps = 64;  ///< in one graph
  bool gather_ahead = true;      ///< the next batch beside the current step
  bool programmatic = false;     ///< kernels begin before the one in front of them is done, on devices from 9.0 on
};

/// Graphs of 1, 4, 16, ... steps, up to as many as are wanted and as an epoch has: an epoch takes few launches by the
/// host, and the device does not wait for it between steps.
class StepGraphs {
 public:
  /// `enqueue(steps)` puts so many steps on the stream. None has more than `most`, which is at least 1.
  template <class Enqueue>
  StepGraphs(cudaStream_t stream, std::int64_t most, const Enqueue& enqueue) {
    for (std::int64_t steps = 1; steps <= most; steps *= 4)
      rungs_.push_back({steps, Graph::capture(stream, [&] { enqueue(steps); })});
  }

  /// Launches the largest graph of at most `steps` steps, which is at least 1; returns of how many.
  std::int64_t launch(std::int64_t steps, cudaStream_t stream) const {
    auto rung = rungs_.rbegin();
    while (rung->steps > steps) ++rung;
    rung->graph.launch(stream);
    return rung->steps;
  }

 private:
  struct Rung {
    std::int64_t steps;
    Graph graph;
  };
  std::vector<Rung> rungs_;
};

}  // namespace lacuna::cuda
