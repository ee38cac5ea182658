#pragma once

#include <memory>
#include <vector>

#include "runtime/runtime.h"

struct CUgraphNode_st {
  simt::detail::Work work;
  std::vector<cudaGraphNode_t> after;
  std::size_t index = 0;  ///< in the graph: the order of capture
};

struct CUgraph_st {
  std::vector<std::shared_ptr<CUgraphNode_st>> nodes;
};

struct CUgraphExec_st {
  std::vector<std::shared_ptr<CUgraphNode_st>> nodes;
  simt::Counters cost;
  simt::detail::TicketPtr last;  ///< of its last launch: it never runs beside itself
};
