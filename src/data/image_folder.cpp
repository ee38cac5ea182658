#include "data/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

namespace fs = std::filesystem;

/// More is a link that leads back to where it lies.
constexpr int kDeepest = 32;

constexpr std::array<std::string_view, 3> kImages{".png", ".jpg", ".jpeg"};
constexpr std::array<std::string_view, 17> kOtherPictures{".apng", ".avif", ".bmp", ".gif",  ".heic", ".heif",
                                                          ".ico",  ".jfif", ".jp2", ".jpe",  ".jxl",  ".pbm",
                                                          ".pgm",  ".ppm",  ".tif", ".tiff", ".webp"};

struct Entry {
  fs::path path;
  bool is_directory = false;
};

/// What is in a folder, without what is hidden, by name.
std::vector<Entry> entries_of(const fs::path& directory) {
  std::error_code error;
  std::vector<Entry> entries;
  fs::directory_iterator next(directory, error);
  for (const fs::directory_iterator end; !error && next != end; next.increment(error)) {
    if (next->path().filename().native().starts_with('.')) continue;
    std::error_code ignored;
    entries.push_back({next->path(), next->is_directory(ignored)});
  }
  if (error) throw InputError(fmt::format("cannot list {}: {}", directory.string(), error.message()));
  std::ranges::sort(entries, {}, [](const Entry& entry) { return entry.path.native(); });
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

/// Goes through folders and sorts files into images and others.
struct Search {
  std::vector<std::string> images;
  std::vector<std::string> others;

  void take_file(const fs::path& path) {
    const std::string ending = ending_of(path);
    if (std::ranges::find(kImages, ending) != kImages.end())
      images.push_back(path.string());
    else if (std::ranges::find(kOtherPictures, ending) == kOtherPictures.end())
      others.push_back(path.string());
    else
      throw InputError(
          fmt::format("{}: {} pictures are not read; convert it to PNG or JPEG (.png, .jpg, .jpeg), or move "
                      "it out of the folder",
                      path.string(), ending));
  }

  void take_folder(const fs::path& directory, int depth) {
    if (depth > kDeepest)
      throw InputError(
          fmt::format("{}: folders more than {} deep; does a link lead back?", directory.string(), kDeepest));
    for (const Entry& entry : entries_of(directory)) {
      if (entry.is_directory)
        take_folder(entry.path, depth + 1);
      else
        take_file(entry.path);
    }
  }
};

[[noreturn]] void fail_empty(const fs::path& directory, const std::vector<std::string>& others) {
  const std::string found =
      others.empty() ? "" : fmt::format("; its {} files, {} for one, have other names", others.size(), others.front());
  throw InputError(
      fmt::format("{}: there is no image, no file that ends in .png, .jpg or .jpeg{}", directory.string(), found));
}

std::string remark_on(const fs::path& directory, const std::vector<std::string>& others) {
  constexpr std::size_t kNamed = 3;
  const auto named = others.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, others.size()));
  return fmt::format("{}: {} files are no images by their names and are left out: {}{}", directory.string(),
                     others.size(), fmt::join(others.begin(), named, ", "), others.size() > kNamed ? ", ..." : "");
}

ImageFolder list(const fs::path& directory) {
  ImageFolder folder;
  folder.directory = directory.string();
  Search direct, below;
  std::string without_images;
  for (const Entry& entry : entries_of(directory)) {
    if (!entry.is_directory) {
      direct.take_file(entry.path);
      continue;
    }
    const std::size_t before = below.images.size();
    below.take_folder(entry.path, 1);
    if (below.images.size() == before) {
      without_images = entry.path.string();
      continue;
    }
    const auto label = static_cast<std::int32_t>(folder.notes.class_names.size());
    folder.notes.class_names.push_back(entry.path.filename().string());
    for (std::size_t i = before; i < below.images.size(); ++i) folder.files.push_back({below.images[i], label});
  }
  std::vector<std::string> others = direct.others;
  others.insert(others.end(), below.others.begin(), below.others.end());
  if (direct.images.empty() && below.images.empty()) fail_empty(directory, others);
  if (!direct.images.empty() && !below.images.empty())
    throw InputError(
        fmt::format("{}: images lie in it ({}) and in folders of it ({}): with folders as classes every image must be "
                    "in one, without classes none",
                    directory.string(), direct.images.front(), below.images.front()));
  if (direct.images.empty() && !without_images.empty())
    throw InputError(fmt::format("{}: a class without images, and each folder in {} is a class; remove it",
                                 without_images, directory.string()));
  for (const std::string& path : direct.images) folder.files.push_back({path, 0});
  if (!others.empty()) folder.notes.remarks.push_back(remark_on(directory, others));
  return folder;
}

/// Labels of the test split must mean what they mean in the training split.
void take_class_names(ImageFolder& test, const fs::path& train) {
  std::vector<std::string> names;
  for (const Entry& entry : entries_of(train))
    if (entry.is_directory) names.push_back(entry.path.filename().string());
  if (names.empty() || test.notes.class_names.empty()) return;
  for (ImageFile& file : test.files) {
    const std::string& name = test.notes.class_names[static_cast<std::size_t>(file.label)];
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      throw InputError(fmt::format("{}/{}: a class that {} does not have", test.directory, name, train.string()));
    file.label = static_cast<std::int32_t>(found - names.begin());
  }
  test.notes.class_names = names;
}

std::string remark_on_splits(const fs::path& root) {
  std::vector<std::string> unused;
  for (const Entry& entry : entries_of(root)) {
    const std::string name = entry.path.filename().string();
    if (name != "train" && name != "test") unused.push_back(name);
  }
  if (unused.empty()) return {};
  return fmt::format("{}: its folders train and test are the splits; not used: {}", root.string(),
                     fmt::join(unused, ", "));
}

}  // namespace

bool has_image_splits(const std::string& directory) {
  const fs::path root(directory);
  return is_folder(root / "train") && is_folder(root / "test");
}

ImageFolder list_images(const std::string& directory, Split split) {
  const fs::path root(directory), train = root / "train", test = root / "test";
  if (!has_image_splits(directory)) {
    ImageFolder folder = list(root);
    if (split == Split::test)
      throw InputError(
          fmt::format("{}: there is no test split: that takes the two folders train and test in it", directory));
    return folder;
  }
  ImageFolder folder = list(split == Split::train ? train : test);
  if (split == Split::test) take_class_names(folder, train);
  if (std::string remark = remark_on_splits(root); !remark.empty()) folder.notes.remarks.push_back(std::move(remark));
  return folder;
}

}  // namespace lacuna::data
