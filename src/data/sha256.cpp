#include "data/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

void check(int result) {
  if (result != 1) throw Error("OpenSSL cannot compute SHA-256 here");
}

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(digest); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(EVP_DigestInit_ex(context_->digest, EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, std::size_t size) {
  check(EVP_DigestUpdate(context_->digest, bytes, size));
}

std::string Sha256::hexadecimal() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(context_->digest, digest.data(), &size));
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

}  // namespace lacuna::data
