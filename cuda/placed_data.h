#pragma once

#include <functional>
#include <memory>

#include "lacuna/backend.h"
#include "runtime/memory.h"

namespace lacuna::cuda {

/// Host data on the device. As long as one backend of this process has them there, all others of that device use the
/// same copy: models that are trained at once learn from one data set.
class PlacedData final : public DeviceBuffer {
 public:
  /// `copy` makes the device's copy, complete when it returns, if there is none yet. The data must not change while
  /// this object lives.
  PlacedData(int device, const void* data, std::int64_t bytes, const std::function<DeviceMemory()>& copy);

  std::int64_t bytes() const override { return memory_->bytes(); }
  void* address() override { return memory_->get(); }

 private:
  std::shared_ptr<const DeviceMemory> memory_;
};

}  // namespace lacuna::cuda
