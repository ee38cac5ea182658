#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace lacuna::data {

struct DownloadLimits {
  long connect_seconds = 15;
  long stall_seconds = 30;  ///< give up when hardly anything has come for so long
  std::size_t max_bytes = std::size_t{64} << 20;
};

/// Called now and then with the bytes received and expected (0: unknown); false stops the download.
using DownloadProgress = std::function<bool(std::uint64_t received, std::uint64_t total)>;

/// Throws InputError if this build has no libcurl, saying how to get one that has.
void require_download();

/// Fetches http, https and file URLs, following redirects. Throws Error with the reason alone ("HTTP 404", "could not
/// resolve host").
std::string download(const std::string& url, const DownloadLimits& limits, const DownloadProgress& progress);

}  // namespace lacuna::data
