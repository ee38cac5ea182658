#pragma once

#include <memory>

#include "engine_choice.h"
#include "lacuna/backend.h"
#include "libs/cublas.h"
#include "libs/cudnn.h"
#include "product_choice.h"
#include "runtime/stream.h"
#include "together/joint_models.h"

namespace lacuna::cuda {

/// Memory on the device, bound to plans.
class CudaBuffer final : public DeviceBuffer {
 public:
  explicit CudaBuffer(DeviceMemory memory) : memory_(std::move(memory)) {}
  std::int64_t bytes() const override { return memory_.bytes(); }
  void* address() override { return memory_.get(); }

 private:
  DeviceMemory memory_;
};

/// One GPU: a stream, cuBLAS and cuDNN on it, and what plans are compiled with. All work goes through the one stream,
/// in the order in which it was asked for, but for the copies of feeds, which have their own.
class CudaBackend final : public Backend {
 public:
  /// Throws InputError where the device is not there or this build has no kernels for it.
  CudaBackend(int index, const BackendOptions& options);
  ~CudaBackend() override;

  DeviceDescription describe() const override;
  std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose) override;
  std::unique_ptr<DeviceBuffer> place(const void* data, std::int64_t bytes, const std::string& purpose) override;
  void upload(DeviceBuffer& to, std::int64_t offset, const void* from, std::int64_t bytes) override;
  void download(void* to, DeviceBuffer& from, std::int64_t offset, std::int64_t bytes) override;
  std::unique_ptr<Readback> readback(std::vector<DeviceBuffer*> buffers) override;
  std::unique_ptr<Feed> feed(std::int64_t bytes, const std::string& purpose) override;
  std::int64_t memory_bytes() const override;
  std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings) override;
  std::unique_ptr<Executable> compile_timed(const StepPlan& plan, const Bindings& bindings,
                                            std::vector<OperationTime>& times) override;
  std::shared_ptr<ModelGroup> make_group() const override;

 private:
  int index_;
  BackendOptions options_;
  JointModels* group_;  // of the options; may be null
  int multiprocessors_;
  EngineChoice engines_;
  Stream stream_;
  Cublas cublas_;
  ProductChoice products_;
  Cudnn cudnn_;
};

}  // namespace lacuna::cuda
