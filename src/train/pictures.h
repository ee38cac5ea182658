#pragma once

#include <string>
#include <vector>

#include "lacuna/backend.h"
#include "lacuna/data.h"
#include "lacuna/model.h"
#include "report/image.h"

namespace lacuna {

constexpr std::int64_t kPictureSamples = 100;

/// The first `units` rows of encoder.0.weight as tiles, each normalised by itself; columns 0: as square as possible.
/// Samples of no known shape may be square images. Throws InputError if they are no pictures.
report::Image weight_picture(const Model& model, std::int64_t units, std::int64_t columns);

struct SamplePictures {
  report::Image input, reconstruction;  ///< the same samples
};
/// The first `count` samples; reconstructions as they are, or each value 0 or 1. Throws InputError if they are no
/// pictures.
SamplePictures sample_pictures(Backend& backend, const Model& model, const Dataset& data,
                               std::int64_t count = kPictureSamples, bool round = false);

/// Values of at least 1/2 become 1, all others 0; NaN stays NaN.
void round_to_bits(std::vector<float>& values);

/// What to say of a run on samples that are no images: neither their shape says so, nor are they vectors of a square
/// number of values between 0 and 1. Empty of images.
std::string why_no_tiles(const Dataset& data);

/// weights.png, and where samples are images input.png and reconstruction.png; vectors have
/// a row of pixels for each unit, unless they are too long. Returns the paths written.
std::vector<std::string> write_pictures(const std::string& directory, Backend& backend, const Model& model,
                                        const Dataset& data);

}  // namespace lacuna
