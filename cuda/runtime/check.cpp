#include "runtime/check.h"

#include <fmt/format.h>

#include <string_view>

#include "lacuna/error.h"

namespace lacuna::cuda {

namespace {

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// "cudaMalloc" of "cudaMalloc(&memory, bytes)".
std::string_view function_name(std::string_view call) {
  return call.substr(0, call.find('('));
}

const char* advice(cudaError_t status) {
  switch (status) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
    case cudaErrorLaunchTimeout:
    case cudaErrorMisalignedAddress:
    case cudaErrorUnknown:  // a GPU that fell off its bus
      return "; the device is lost to this run, which can go on from its last checkpoint with --resume";
    default:
      return "";
  }
}

}  // namespace

void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  ignore(cudaGetLastError());
  throw Error(fmt::format("{} failed: {} ({}) at {}:{}{}", function_name(call), cudaGetErrorString(status),
                          cudaGetErrorName(status), file_name(file), line, advice(status)));
}

void ignore(cudaError_t) noexcept {}

}  // namespace lacuna::cuda
