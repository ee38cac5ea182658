#pragma once

#include <string>

#include "lacuna/data.h"

namespace lacuna::data {

/// The images of a folder (list_images) as uint8 samples [H, W], or [3, H, W] with options.color. limit: only the first
/// ones are decoded. Throws InputError naming the file, the first one in order if there are several.
Dataset open_image_folder(const std::string& directory, const DataOptions& options);

}  // namespace lacuna::data
