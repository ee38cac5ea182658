#pragma once

#include <functional>

namespace lacuna::bench {

/// The main function of a benchmark that runs on a GPU: takes --device=N (0) out of the arguments, makes that device
/// the current one, notes what it is in the report's context, and runs what `add` registers for it. Exit status 2, with
/// one line, where there is no such device.
int run_on_gpu(int argc, char** argv, const std::function<void(int device)>& add);

}  // namespace lacuna::bench
