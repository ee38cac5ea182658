#pragma once

#include <memory>
#include <vector>

#include "runtime/runtime.h"

struct CUgraphNode_st {
  simt::detail::Work work;
  std::vector<cudaGraphNode_t> after;
  CUstream_st* stream = nullptr;          ///< that it was captured from
  cudaGraphNode_t overlapping = nullptr;  ///< behind it by a programmatic edge: it may begin while this node runs
  std::size_t index = 0;                  ///< in the graph: the order of capture
};

struct CUgraph_st {
  std::vector<std::shared_ptr<CUgraphNode_st>> nodes;
};

struct CUgraphExec_st {
  std::vector<std::shared_ptr<CUgraphNode_st>> nodes;
  simt::Counters cost;
  simt::detail::TicketPtr last;  ///< of its last launch: it never runs beside itself
};
