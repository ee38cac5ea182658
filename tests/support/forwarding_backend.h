#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lacuna/backend.h"

namespace lacuna::test {

/// The CPU backend, for tests that look at how a backend is used: they override what they look at.
class ForwardingBackend : public Backend {
 public:
  DeviceDescription describe() const override { return cpu_->describe(); }
  std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose) override {
    return cpu_->allocate(bytes, purpose);
  }
  std::unique_ptr<DeviceBuffer> place(const void* data, std::int64_t bytes, const std::string& purpose) override {
    return cpu_->place(data, bytes, purpose);
  }
  void upload(DeviceBuffer& to, std::int64_t offset, const void* from, std::int64_t bytes) override {
    cpu_->upload(to, offset, from, bytes);
  }
  void download(void* to, DeviceBuffer& from, std::int64_t offset, std::int64_t bytes) override {
    cpu_->download(to, from, offset, bytes);
  }
  std::unique_ptr<Readback> readback(std::vector<DeviceBuffer*> buffers) override {
    return cpu_->readback(std::move(buffers));
  }
  std::unique_ptr<Feed> feed(std::int64_t bytes, const std::string& purpose) override {
    return cpu_->feed(bytes, purpose);
  }
  std::int64_t memory_bytes() const override { return cpu_->memory_bytes(); }
  std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings) override {
    return cpu_->compile(plan, bindings);
  }

 private:
  std::unique_ptr<Backend> cpu_ = make_backend("cpu", {.threads = 1});
};

}  // namespace lacuna::test
