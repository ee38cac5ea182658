#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lacuna/backend.h"
#include "lacuna/data.h"
#include "lacuna/model.h"

namespace lacuna {

/// What the units of a code do on a data set.
struct UnitActivity {
  std::vector<double> means;   ///< rho-hat of each unit
  std::vector<double> edges;   ///< of the histogram's bins: [0, 1] for a sigmoid code, else all that occurred
  std::vector<double> counts;  ///< activations within each bin, over all samples and units
};

/// Over the first `most_samples` samples, in two passes. Throws InputError if the data does not fit the network.
UnitActivity measure_units(Backend& backend, const Model& model, const Dataset& data,
                           std::int64_t most_samples = 10'000);

/// units.json in a run directory; rho is the wanted mean of a KL penalty.
void write_units(const std::string& directory, const UnitActivity& activity, std::optional<double> rho);

}  // namespace lacuna
