#pragma once

#include "runtime/event.h"
#include "runtime/graph.h"
#include "runtime/stream.h"

namespace lacuna::bench {

/// Work captured into a graph and timed by events on the device. Many calls in one graph: between two events around a
/// single short kernel the events themselves would be measured.
class Replay {
 public:
  template <class F>
  Replay(const cuda::Stream& stream, const F& queue)
      : stream_(stream), graph_(cuda::Graph::capture(stream.get(), queue)) {}

  /// Seconds of `times` replays, one after another.
  double seconds(int times = 1) const {
    begin_.record(stream_.get());
    for (int i = 0; i < times; ++i) graph_.launch(stream_.get());
    end_.record(stream_.get());
    end_.synchronize();
    return end_.milliseconds_since(begin_) * 1e-3;
  }

 private:
  const cuda::Stream& stream_;
  cuda::Graph graph_;
  cuda::Event begin_{cuda::Event::Timing::on}, end_{cuda::Event::Timing::on};
};

}  // namespace lacuna::bench
