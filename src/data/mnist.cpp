#include "data/mnist.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace lacuna {
namespace data {

std::string MnistFile::published_name() const {
  return fmt::format("{}-{}.gz", stem, kind);
}

const std::array<MnistFile, 4>& mnist_files() {
  static constexpr std::array<MnistFile, 4> kFiles = {{
      {"train-images", "idx3-ubyte", 47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
      {"train-labels", "idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
      {"t10k-images", "idx3-ubyte", 7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
      {"t10k-labels", "idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
  }};
  return kFiles;
}

const MnistFile& mnist_images(Split split) {
  return mnist_files()[split == Split::train ? 0 : 2];
}

const MnistFile& mnist_labels(Split split) {
  return mnist_files()[split == Split::train ? 1 : 3];
}

std::string find_mnist_file(const std::string& directory, const MnistFile& file) {
  for (const char* separator : {"-", "."})
    for (const char* ending : {".gz", ""}) {
      const std::filesystem::path path =
          std::filesystem::path(directory) / fmt::format("{}{}{}{}", file.stem, separator, file.kind, ending);
      std::error_code ignored;
      if (std::filesystem::exists(path, ignored)) return path.string();
    }
  return {};
}

std::vector<std::string> mnist_directories() {
  std::vector<std::string> directories;
  const char* data = std::getenv("LACUNA_DATA");
  if (data != nullptr && *data != '\0') directories.push_back((std::filesystem::path(data) / "mnist").string());
  directories.push_back(mnist_cache_directory());
  return directories;
}

std::string mnist_fetch_directory() {
  const std::vector<std::string> directories = mnist_directories();
  const auto complete = std::ranges::find_if(directories, [](const std::string& directory) {
    return std::ranges::none_of(mnist_files(),
                                [&](const MnistFile& file) { return find_mnist_file(directory, file).empty(); });
  });
  return complete == directories.end() ? directories.front() : *complete;
}

}  // namespace data

bool mnist_available(Split split) {
  for (const std::string& directory : data::mnist_directories())
    if (!data::find_mnist_file(directory, data::mnist_images(split)).empty() &&
        !data::find_mnist_file(directory, data::mnist_labels(split)).empty())
      return true;
  return false;
}

std::string mnist_cache_directory() {
  std::filesystem::path cache;
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (xdg != nullptr && *xdg == '/') {  // the specification says to ignore relative paths
    cache = xdg;
  } else {
    if (home == nullptr || *home == '\0') {
      const passwd* user = ::getpwuid(::getuid());
      home = user != nullptr ? user->pw_dir : "";
    }
    cache = std::filesystem::path(home) / ".cache";
  }
  return (cache / "lacuna" / "mnist").string();
}

}  // namespace lacuna
