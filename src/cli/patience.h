#pragma once

namespace lacuna::cli {

/// Starts the program over once with OpenMP's waiting threads told to spin briefly and then sleep, more briefly where
/// other programs run, unless the environment already says how they wait. libgomp reads the setting when it is loaded,
/// before main. Its own choice, spinning for about a millisecond or longer, wins little on an idle machine and loses
/// much of the speed on a busy one (docs/benchmarks.md).
void restart_with_short_spins(char** argv);

}  // namespace lacuna::cli
