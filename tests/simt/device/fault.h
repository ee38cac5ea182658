#pragma once

#include <stdexcept>

namespace simt {

// A bug in a kernel or in its launch, in one line. Thrown by run(), on the stack of its caller.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace simt
