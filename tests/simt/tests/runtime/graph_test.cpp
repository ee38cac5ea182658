#include "support.h"

namespace simt_test {
namespace {

class Graph : public RuntimeTest {
 protected:
  void begin() { ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess); }
  cudaGraphExec_t instantiate() {
    cudaGraphExec_t exec = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
    EXPECT_EQ(cudaGraphInstantiate(&exec, graph_), cudaSuccess);
    return exec;
  }

  cudaStream_t stream_ = new_stream();
  cudaGraph_t graph_ = nullptr;
};

TEST_F(Graph, ReplaysEverythingItCaptured) {
  float* values = device_floats(4, 1);
  float* copied = device_floats(4);
  float* source = pinned_floats(4, 5);
  float* result = pinned_floats(4);
  int calls = 0;
  begin();
  ASSERT_EQ(cudaMemcpyAsync(values, source, 16, cudaMemcpyHostToDevice, stream_), cudaSuccess);
  ASSERT_EQ(add(values, 1, 4, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(values, 0, 4, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(copied, values, 16, cudaMemcpyDeviceToDevice, stream_), cudaSuccess);
  ASSERT_EQ(cudaLaunchHostFunc(
                stream_, [](void* data) { ++*static_cast<int*>(data); }, &calls),
            cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(result, copied, 16, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  const cudaGraphExec_t exec = instantiate();
  simt::reset_counters();
  source[1] = 7;
  ASSERT_EQ(cudaGraphUpload(exec, stream_), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(result[0], 0);
  EXPECT_EQ(result[1], 8) << "pinned memory is read when the graph runs";
  EXPECT_EQ(calls, 1);
  source[1] = 9;
  ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(result[1], 10);
  EXPECT_EQ(simt::counters().graph_launches, 2U);
  EXPECT_EQ(simt::counters().launches, 2U);
  EXPECT_EQ(simt::counters().copies_h2d, 2U);
  EXPECT_EQ(simt::counters().copies_d2d, 2U);
  EXPECT_EQ(simt::counters().copies_d2h, 2U);
  EXPECT_EQ(simt::counters().memsets, 2U);
  EXPECT_EQ(simt::counters().host_functions, 2U);
}

TEST_F(Graph, FreezesArgumentsPassedByValue) {
  float* values = device_floats(1);
  float amount = 1;
  begin();
  ASSERT_EQ(add(values, amount, 1, stream_), cudaSuccess);
  amount = 100;
  const cudaGraphExec_t exec = instantiate();
  ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
  EXPECT_EQ(first_of(values), 2);
}

TEST_F(Graph, IsQueuedLikeOtherWork) {
  simt::set_execution(simt::Execution::deferred);
  float* value = pinned_floats(1);
  begin();
  ASSERT_EQ(add(value, 1, 1, stream_), cudaSuccess);
  const cudaGraphExec_t exec = instantiate();
  ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
  EXPECT_EQ(value[0], 0);
  // On the device a graph that is destroyed still finishes.
  ASSERT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  ASSERT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(value[0], 1);
}

TEST_F(Graph, NeverRunsBesideItself) {
  for (const unsigned seed : {0U, 1U}) {
    simt::set_execution(simt::Execution::deferred, seed);
    const cudaStream_t other = new_stream();
    float* value = pinned_floats(1);
    begin();
    ASSERT_EQ(add(value, 1, 1, stream_), cudaSuccess);
    const cudaGraphExec_t exec = instantiate();
    ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(exec, other), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(other), cudaSuccess);
    EXPECT_EQ(value[0], 2);
  }
}

/// A graph in which a fork writes what the origin reads after the join, or before it where the join comes too late.
float joined_result(cudaStream_t stream, bool joined_in_time) {
  const cudaStream_t fork = new_stream();
  const cudaEvent_t there = new_event();
  const cudaEvent_t back = new_event();
  float* value = device_floats(1);
  float* seen = device_floats(1);
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(there, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(fork, there), cudaSuccess);
  EXPECT_EQ(add(value, 1, 1, fork), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(back, fork), cudaSuccess);
  const auto join = [&] { EXPECT_EQ(cudaStreamWaitEvent(stream, back), cudaSuccess); };
  if (joined_in_time) join();
  EXPECT_EQ(copy(seen, value, 1, stream), cudaSuccess);
  if (!joined_in_time) join();
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  return first_of(seen);
}

TEST_F(Graph, RunsItsBranchesInBothOrders) {
  float late = 0;
  for (const unsigned seed : {0U, 1U}) {
    simt::set_execution(simt::Execution::deferred, seed);
    EXPECT_EQ(joined_result(stream_, true), 1);
    simt::set_execution(simt::Execution::deferred, seed);
    late += joined_result(stream_, false);
  }
  EXPECT_EQ(late, 1) << "one of the two orders must show the late join";
}

TEST_F(Graph, WithFreedMemoryIsAFault) {
  float* values = device_floats(4);
  begin();
  ASSERT_EQ(cudaMemsetAsync(values, 0, 16, stream_), cudaSuccess);
  const cudaGraphExec_t exec = instantiate();
  ASSERT_EQ(cudaFree(values), cudaSuccess);
  EXPECT_THROW(cudaGraphLaunch(exec, stream_), simt::Fault);
}

TEST_F(Graph, ListsItsNodes) {
  float* values = device_floats(4);
  begin();
  ASSERT_EQ(add(values, 1, 4, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(values, 0, 16, stream_), cudaSuccess);
  instantiate();
  std::size_t count = 0;
  ASSERT_EQ(cudaGraphGetNodes(graph_, nullptr, &count), cudaSuccess);
  ASSERT_EQ(count, 2U);
  cudaGraphNode_t nodes[3] = {};
  count = 3;
  ASSERT_EQ(cudaGraphGetNodes(graph_, nodes, &count), cudaSuccess);
  EXPECT_EQ(count, 2U);
  EXPECT_EQ(nodes[2], nullptr);
  cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
  ASSERT_EQ(cudaGraphNodeGetType(nodes[1], &type), cudaSuccess);
  EXPECT_EQ(type, cudaGraphNodeTypeMemset);
}

TEST_F(Graph, MayBeEmpty) {
  begin();
  const cudaGraphExec_t exec = instantiate();
  EXPECT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
}

TEST_F(Graph, IsDestroyedOnce) {
  begin();
  const cudaGraphExec_t exec = instantiate();
  EXPECT_EQ(simt::live().graphs, 1U);
  EXPECT_EQ(simt::live().graph_execs, 1U);
  ASSERT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
  ASSERT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph_), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphExecDestroy(exec), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphLaunch(exec, stream_), cudaErrorInvalidValue);
  cudaGraphExec_t again = nullptr;
  EXPECT_EQ(cudaGraphInstantiate(&again, graph_), cudaErrorInvalidValue);
  EXPECT_EQ(simt::live().graphs + simt::live().graph_execs, 0U);
}

}  // namespace
}  // namespace simt_test
