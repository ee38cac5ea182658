#pragma once

#include <map>
#include <memory>
#include <string>

#include "cli/options.h"
#include "cli/settings.h"
#include "lacuna/backend.h"
#include "lacuna/data.h"
#include "lacuna/model.h"

namespace lacuna::cli {

/// What the configuration file (--config) and the command line say, the command line winning; only what the command,
/// one of CommandBit, makes use of.
GivenValues given_values(const Invocation& invocation, CommandBit command);

/// Settings that a model file remembers: those which decide what the numbers in it are.
std::map<std::string, std::string> metadata_of(const Settings& settings);

/// For commands that take a model: the defaults, then what the model remembers, then `given`. A data source or split
/// that is given takes the place of all that the model remembers of its data.
Settings settings_for_model(const Model& model, const std::string& model_path, const GivenValues& given);

/// Throws InputError for a device that is not there or a precision that it does not have.
std::unique_ptr<Backend> open_backend(const Settings& settings);

/// Opens the data and checks its values: finite, and within [0, 1] for bce.
Dataset open_data(const Settings& settings);

}  // namespace lacuna::cli
