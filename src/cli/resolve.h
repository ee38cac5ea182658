#pragma once

#include <map>
#include <memory>
#include <string>

#include "cli/config.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "lacuna/backend.h"
#include "lacuna/data.h"
#include "lacuna/model.h"

namespace lacuna::cli {

/// What the configuration file (--config) and the command line say, the command line winning: also over what has no
/// meaning beside it. Only what the command, one of CommandBit, makes use of. `grid` as in read_config.
GivenValues given_values(const Invocation& invocation, CommandBit command, std::vector<GivenList>* grid = nullptr);

/// Settings that a model file remembers: those which decide what the numbers in it are.
std::map<std::string, std::string> metadata_of(const Settings& settings);

/// For commands that take a model: the defaults, then what the model remembers, then `given`. A data source or split
/// that is given takes the place of all that the model remembers of its data, but for how samples are prepared; a limit
/// or classes that of its labels.
Settings settings_for_model(const Model& model, const std::string& model_path, const GivenValues& given);

/// Throws InputError for a device that is not there or a precision that it does not have.
std::unique_ptr<Backend> open_backend(const Settings& settings);

/// How to open data for this device; without one, for none but the host. --stream auto streams what takes more than
/// half of the memory of either.
DataOptions data_options_for(const Settings& settings, const Backend* backend);

/// Opens the data, tells the remarks on it, and checks its values, if they are not streamed: finite, and within [0, 1]
/// for bce.
Dataset open_data(const Settings& settings, const Backend* backend);

/// The autoencoder that the settings describe, for these data. Throws InputError.
Network autoencoder_of(const Settings& settings, const Dataset& data);

/// How to train on `samples` samples: what the settings say in epochs becomes steps.
TrainerOptions trainer_options(const Settings& settings, std::int64_t samples);

}  // namespace lacuna::cli
