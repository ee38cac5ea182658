#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacuna/data.h"

namespace lacuna::data {

struct ImageFile {
  std::string path;
  std::int32_t label = 0;  ///< meaningless if there are no classes
};

/// The images of a folder in a fixed order: by class, then by path, bytewise.
struct ImageFolder {
  std::string directory;
  std::vector<ImageFile> files;
  DatasetNotes notes;  ///< class_names: empty if the images lie in the directory itself
};

/// Whether DIR/train and DIR/test are both there: the splits, not classes.
bool has_image_splits(const std::string& directory);

/// DIR, or where DIR/train and DIR/test are both there the one of the split. Files ending in .png, .jpg or .jpeg, of
/// any case, are images; hidden files and folders are passed over; pictures of other formats are refused; other files
/// are named in a remark. Links are followed. Throws InputError if there is no image, a class has none, images lie both
/// in DIR and in folders of it, the test split has a class that the training split has not, or a folder cannot be
/// listed.
ImageFolder list_images(const std::string& directory, Split split);

}  // namespace lacuna::data
