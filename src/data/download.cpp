#include "data/download.h"

#include <fmt/format.h>

#include "lacuna/error.h"

#ifdef LACUNA_WITH_CURL

#include <curl/curl.h>

#include <array>
#include <exception>
#include <memory>

namespace lacuna::data {
namespace {

struct Transfer {
  std::string content;
  std::size_t max_bytes = 0;
  bool too_large = false;
  bool stopped = false;
  const DownloadProgress* progress = nullptr;
  std::exception_ptr exception;  // must not travel through C
};

std::size_t on_data(char* bytes, std::size_t, std::size_t size, void* user) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (size > transfer.max_bytes - transfer.content.size()) {
    transfer.too_large = true;
    return 0;
  }
  try {
    transfer.content.append(bytes, size);
    return size;
  } catch (...) {
    transfer.exception = std::current_exception();
    return 0;
  }
}

int on_progress(void* user, curl_off_t total, curl_off_t received, curl_off_t, curl_off_t) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (!*transfer.progress) return 0;
  try {
    transfer.stopped = !(*transfer.progress)(static_cast<std::uint64_t>(received), static_cast<std::uint64_t>(total));
  } catch (...) {
    transfer.exception = std::current_exception();
  }
  return transfer.stopped || transfer.exception ? 1 : 0;
}

struct CloseHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, CloseHandle>;

Handle make_handle() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  Handle handle(ready == CURLE_OK ? curl_easy_init() : nullptr);
  if (!handle) throw Error("libcurl cannot be initialised");
  return handle;
}

}  // namespace

void require_download() {}

std::string download(const std::string& url, const DownloadLimits& limits, const DownloadProgress& progress) {
  const Handle owner = make_handle();
  CURL* handle = owner.get();
  std::array<char, CURL_ERROR_SIZE> message{};
  Transfer transfer;
  transfer.max_bytes = limits.max_bytes;
  transfer.progress = &progress;
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "lacuna");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https,file");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, limits.connect_seconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, limits.stall_seconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 128L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);

  const CURLcode code = curl_easy_perform(handle);
  if (transfer.exception) std::rethrow_exception(transfer.exception);
  if (transfer.stopped) throw Error("stopped");
  if (transfer.too_large) throw Error(fmt::format("sends more than the {} bytes expected", limits.max_bytes));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_HTTP_RETURNED_ERROR) throw Error(fmt::format("HTTP {}", status));
  if (code != CURLE_OK) throw Error(message[0] != '\0' ? message.data() : curl_easy_strerror(code));
  return std::move(transfer.content);
}

}  // namespace lacuna::data

#else

namespace lacuna::data {

void require_download() {
  throw InputError(
      "this build cannot download: configure with -DLACUNA_WITH_CURL=ON (needs libcurl), or copy the files there");
}

std::string download(const std::string&, const DownloadLimits&, const DownloadProgress&) {
  require_download();
  return {};
}

}  // namespace lacuna::data

#endif
