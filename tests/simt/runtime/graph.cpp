#include "runtime/graph.h"

#include <algorithm>
#include <utility>

using simt::detail::call;
using simt::detail::runtime;

namespace {

using Nodes = std::vector<std::shared_ptr<CUgraphNode_st>>;

/// Another order that the edges allow: of the nodes that may come next, always the last captured.
Nodes latest_first(const Nodes& nodes) {
  std::vector<bool> placed(nodes.size(), false);
  const auto ready = [&](const CUgraphNode_st& node) {
    return !placed[node.index] && std::all_of(node.after.begin(), node.after.end(),
                                              [&](const cudaGraphNode_t before) { return placed[before->index]; });
  };
  Nodes order;
  while (order.size() < nodes.size()) {
    const auto next = std::find_if(nodes.rbegin(), nodes.rend(), [&](const auto& node) { return ready(*node); });
    placed[(*next)->index] = true;
    order.push_back(*next);
  }
  return order;
}

/// What is left of launches that have begun, by the index of their nodes.
using Begun = std::vector<std::function<void()>>;

void begin_behind(const CUgraphNode_st& node, Begun& begun) {
  for (cudaGraphNode_t next = node.overlapping; next != nullptr; next = next->overlapping) {
    if (begun[next->index] == nullptr) begun[next->index] = next->work.begin();
  }
}

void run(const Nodes& nodes) {
  Begun begun(nodes.size());
  for (const auto& node : runtime().scheduler.contrary() ? latest_first(nodes) : nodes) {
    if (runtime().errors.lost()) return;
    begin_behind(*node, begun);
    const auto rest = std::exchange(begun[node->index], nullptr);
    rest ? rest() : node->work.action();
  }
}

}  // namespace

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t handle, unsigned long long flags) {
  return call([&]() -> cudaError_t {
    const auto graph = runtime().graphs.find(handle);
    if (exec == nullptr || graph == nullptr) return cudaErrorInvalidValue;
    if ((flags & cudaGraphInstantiateFlagDeviceLaunch) != 0) return cudaErrorNotSupported;
    auto created = std::make_shared<CUgraphExec_st>();
    created->nodes = graph->nodes;
    for (const auto& node : graph->nodes) created->cost += node->work.cost;
    ++created->cost.graph_launches;
    *exec = runtime().execs.add(std::move(created));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  return cudaGraphInstantiate(exec, graph, flags);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t stream_handle) {
  return call([&]() -> cudaError_t {
    simt::detail::Runtime& rt = runtime();
    const auto exec = rt.execs.find(handle);
    CUstream_st* stream = rt.scheduler.find(stream_handle, rt.device);
    if (exec == nullptr) return cudaErrorInvalidValue;
    if (stream == nullptr || stream->device != rt.device) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = rt.captures.refuse_wait(*stream); refused != cudaSuccess) return refused;
    if (stream->legacy) {
      if (const cudaError_t refused = rt.captures.refuse_legacy(); refused != cudaSuccess) return refused;
    }
    rt.counters += exec->cost;
    std::vector<simt::detail::TicketPtr> after;
    if (exec->last != nullptr) after.push_back(exec->last);
    exec->last = rt.scheduler.enqueue(
        *stream, {.type = cudaGraphNodeTypeGraph, .action = [nodes = exec->nodes] { run(nodes); }}, std::move(after));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t handle, cudaStream_t stream_handle) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = runtime().scheduler.find(stream_handle, runtime().device);
    if (runtime().execs.find(handle) == nullptr) return cudaErrorInvalidValue;
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    return runtime().captures.refuse_wait(*stream);
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call([&]() -> cudaError_t { return runtime().graphs.remove(graph) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return call([&]() -> cudaError_t { return runtime().execs.remove(exec) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t handle, cudaGraphNode_t* nodes, std::size_t* count) {
  return call([&]() -> cudaError_t {
    const auto graph = runtime().graphs.find(handle);
    if (graph == nullptr || count == nullptr) return cudaErrorInvalidValue;
    const std::size_t total = graph->nodes.size();
    if (nodes == nullptr) {
      *count = total;
      return cudaSuccess;
    }
    for (std::size_t i = 0; i < *count; ++i) nodes[i] = i < total ? graph->nodes[i].get() : nullptr;
    *count = std::min(*count, total);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  return call([&]() -> cudaError_t {
    if (node == nullptr || type == nullptr) return cudaErrorInvalidValue;
    *type = node->work.type;
    return cudaSuccess;
  });
}
