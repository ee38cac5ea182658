#include "data/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "data/gzip.h"
#include "data/sha256.h"
#include "io/atomic_file.h"
#include "lacuna/error.h"

namespace lacuna::data {
namespace {

std::vector<std::string> mirrors_of(const FetchOptions& options) {
  if (!options.mirrors.empty()) return options.mirrors;
  const char* own = std::getenv("LACUNA_MNIST_MIRROR");
  if (own != nullptr && *own != '\0') return {own};
  return {"https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"};
}

/// Throws InputError unless the content is exactly the file's.
void verify(ContentReader& reader, const MnistFile& file) {
  Sha256 digest;
  std::vector<unsigned char> piece(std::size_t{256} << 10);
  std::uint64_t total = 0;
  for (;;) {
    const std::size_t got = reader.read(piece.data(), piece.size());
    total += got;
    if (total > file.bytes)
      throw InputError(fmt::format("{}: more than the {} bytes expected", reader.name(), file.bytes));
    digest.update(piece.data(), got);
    if (got < piece.size()) break;
  }
  if (total < file.bytes) throw InputError(fmt::format("{}: {} bytes instead of {}", reader.name(), total, file.bytes));
  const std::string found = digest.hexadecimal();
  if (found != file.sha256)
    throw InputError(fmt::format("{}: SHA-256 of the content is {} instead of {}", reader.name(), found, file.sha256));
}

bool there_and_right(const std::string& path, const MnistFile& file) {
  if (path.empty()) return false;
  try {
    ContentReader reader(open_file(path), path);
    verify(reader, file);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

bool looks_like_a_web_page(std::string_view content) {
  const auto first = std::find_if_not(content.begin(), content.end(), [](unsigned char c) { return std::isspace(c); });
  return first != content.end() && *first == '<';
}

void verify_download(const std::string& content, const std::string& name, const MnistFile& file) {
  if (looks_like_a_web_page(content)) throw InputError("answered with a web page instead of the file");
  ContentReader reader(open_memory(content.data(), content.size()), name);
  if (!reader.gzipped()) throw InputError(fmt::format("{}: not gzip", name));
  verify(reader, file);
}

/// The gzipped file from the first mirror that has it right.
std::string from_a_mirror(const MnistFile& file, const FetchOptions& options, bool& stopped) {
  const std::string name = file.published_name();
  const auto progress = [&](std::uint64_t received, std::uint64_t total) {
    stopped = options.progress && !options.progress(name, received, total);
    return !stopped;
  };
  std::vector<std::string> answers;
  for (const std::string& mirror : mirrors_of(options)) {
    const std::string url = fmt::format("{}{}{}", mirror, mirror.ends_with('/') ? "" : "/", name);
    try {
      std::string content = download(url, options.limits, progress);
      verify_download(content, name, file);
      return content;
    } catch (const Error& error) {
      if (stopped) throw Error("stopped; the files fetched so far are kept");
      answers.push_back(fmt::format("{}: {}", url, error.what()));
      if (options.note) options.note(answers.back());
    }
  }
  throw Error(
      fmt::format("no mirror has {} ({}); set LACUNA_MNIST_MIRROR to one that does, or copy the file there by "
                  "hand",
                  name, fmt::join(answers, "; ")));
}

}  // namespace

std::string fetch_files(const std::string& directory, std::span<const MnistFile> files, const FetchOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw InputError(fmt::format("cannot make the directory {}: {}", directory, error.message()));
  std::size_t kept = 0;
  for (const MnistFile& file : files) {
    const std::string present = find_mnist_file(directory, file);
    if (there_and_right(present, file)) {
      ++kept;
      if (options.note) options.note(fmt::format("{}: already there", present));
      continue;
    }
    require_download();
    bool stopped = false;
    const std::string content = from_a_mirror(file, options, stopped);
    // The published name is the first that is looked for, so a wrong file under another name stands in nobody's way.
    io::AtomicFile out((std::filesystem::path(directory) / file.published_name()).string());
    out.write(content);
    out.commit();
  }
  return fmt::format("{}: {} files fetched and checked, {} already there", directory, files.size() - kept, kept);
}

std::string fetch_mnist(const std::string& directory, const FetchOptions& options) {
  return fetch_files(directory, mnist_files(), options);
}

}  // namespace lacuna::data
