#pragma once

#include <string>
#include <vector>

#include "lacuna/model.h"

namespace lacuna {

/// Writes a directory of NumPy files, float32, one for each parameter: encoder.0.weight.npy [out, in], and so on. With
/// `bias_row` one for each layer: encoder.0.npy [in + 1, out], row 0 the bias, below it the weight transposed; only
/// dense layers can be written so.
/// The directory appears whole or not at all, and must not be there yet, unless it is empty. Returns the files' paths.
/// Throws InputError for a layer that is not dense or a place that cannot be written to, Error if the disk is full.
std::vector<std::string> save_parameter_arrays(const std::string& directory, const Model& model, bool bias_row = false);

/// Reads such a directory, each layer in either form, into `model`, whose shapes the arrays must have; float64 is
/// rounded to float32. Throws InputError naming the file, with both shapes where they differ, for arrays that are
/// missing, left over or given twice, for other types, and for values that are not finite.
void load_parameter_arrays(Model& model, const std::string& directory);

}  // namespace lacuna
