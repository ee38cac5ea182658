#include "data/image_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "data/image_decode.h"
#include "data/image_folder.h"
#include "data/resample.h"
#include "io/file.h"
#include "lacuna/error.h"

namespace lacuna::data {
namespace {

/// Calls work(0) ... work(count - 1) on all cores. If some throw, the exception of the first in order is thrown.
template <class Work>
void in_parallel(std::int64_t count, const Work& work) {
  constexpr std::int64_t kWorthAThread = 16;
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::int64_t failed = count;
  std::exception_ptr exception;
  const auto run = [&] {
    for (std::int64_t index; (index = next++) < count;) {
      try {
        work(index);
      } catch (...) {
        next = count;  // those before this one are done or being done
        const std::lock_guard lock(mutex);
        if (index < failed) exception = std::current_exception();
        failed = std::min(failed, index);
      }
    }
  };
  {
    const std::int64_t threads = std::min<std::int64_t>(std::thread::hardware_concurrency(), count / kWorthAThread);
    std::vector<std::jthread> others;
    try {
      for (std::int64_t i = 1; i < threads; ++i) others.emplace_back(run);
    } catch (const std::system_error&) {
      // This machine lets us have no more of them; those that there are do the work.
    }
    run();
  }
  if (exception) std::rethrow_exception(exception);
}

class Loader {
 public:
  Loader(const ImageFolder& folder, const DataOptions& options)
      : folder_(folder), options_(options), channels_(options.color ? 3 : 1), size_(options.resize) {
    if (resizes()) return;
    const std::string& first = folder_.files.front().path;
    const io::FileBytes bytes = io::read_file(first);
    size_ = image_size(bytes.data, bytes.size, first);
  }

  std::int64_t sample_bytes() const { return channels_ * size_.width * size_.height; }
  Shape sample_shape() const {
    return channels_ == 1 ? Shape{size_.height, size_.width} : Shape{channels_, size_.height, size_.width};
  }

  void load(std::int64_t index, std::uint8_t* out) const {
    const std::string& path = folder_.files[static_cast<std::size_t>(index)].path;
    const io::FileBytes bytes = io::read_file(path);
    if (!resizes()) require_size(image_size(bytes.data, bytes.size, path), path);
    const Pixels pixels = decode_image(bytes.data, bytes.size, path, options_.color);
    const std::vector<std::uint8_t> planes = to_planes(pixels, options_.color);
    const std::int64_t from_bytes = pixels.size.width * pixels.size.height, to_bytes = size_.width * size_.height;
    for (std::int64_t channel = 0; channel < channels_; ++channel)
      resize_plane(planes.data() + channel * from_bytes, pixels.size, out + channel * to_bytes, size_);
  }

 private:
  bool resizes() const { return options_.resize != ImageSize{}; }

  void require_size(const ImageSize& found, const std::string& path) const {
    if (found == size_) return;
    throw InputError(
        fmt::format("{} has {} x {} pixels, but {} has {} x {}; --resize WxH brings all images to one size", path,
                    found.width, found.height, folder_.files.front().path, size_.width, size_.height));
  }

  const ImageFolder& folder_;
  const DataOptions& options_;
  std::int64_t channels_;
  ImageSize size_;
};

}  // namespace

Dataset open_image_folder(const std::string& directory, const DataOptions& options) {
  const ImageFolder folder = list_images(directory, options.split);
  auto rows = static_cast<std::int64_t>(folder.files.size());
  if (options.limit > 0) rows = std::min(rows, options.limit);
  const Loader loader(folder, options);
  std::shared_ptr<std::uint8_t[]> values;
  try {
    values.reset(new std::uint8_t[static_cast<std::size_t>(rows * loader.sample_bytes())]);
  } catch (const std::bad_alloc&) {
    throw InputError(
        fmt::format("{}: {} images of {} bytes do not fit into memory; --resize WxH makes them smaller, "
                    "--limit takes the first ones only",
                    folder.directory, rows, loader.sample_bytes()));
  }
  in_parallel(rows, [&](std::int64_t index) { loader.load(index, values.get() + index * loader.sample_bytes()); });

  std::vector<std::int32_t> labels;
  if (!folder.notes.class_names.empty())
    for (std::int64_t row = 0; row < rows; ++row) labels.push_back(folder.files[static_cast<std::size_t>(row)].label);
  return Dataset(folder.directory, rows, loader.sample_shape(), DType::u8, values.get(), values, std::move(labels))
      .with_notes(folder.notes);
}

}  // namespace lacuna::data
