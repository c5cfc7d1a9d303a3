#include "base/hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <bit>
#include <cstring>
#include <memory>

namespace base {
namespace {

using Digest = std::array<unsigned char, 32>;

std::string hex(const Digest& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(digest.size() * 2, '\0');
  for (std::size_t at = 0; at < digest.size(); ++at) {
    text[2 * at] = digits[digest[at] >> 4U];
    text[2 * at + 1] = digits[digest[at] & 0xFU];
  }
  return text;
}

/// Kept from call to call for its buffers: to look the algorithm up anew costs more than to hash a short text.
class Sha256 {
 public:
  Digest operator()(std::string_view bytes) const {
    Digest digest{};
    EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr);
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    return digest;
  }

 private:
  struct Deleter {
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD, Deleter> algorithm_{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  std::unique_ptr<EVP_MD_CTX, Deleter> context_{EVP_MD_CTX_new()};
};

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  thread_local const Sha256 digest_of;
  return hex(digest_of(bytes));
}

std::string hmac_sha256_hex(std::string_view key, std::string_view bytes) {
  Digest digest{};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(), digest.data(), &length);
  return hex(digest);
}

std::string short_hash(std::string_view digits) { return std::string(digits.substr(0, 10)); }

std::uint64_t fingerprint(std::string_view bytes) {
  constexpr std::uint64_t first = 0x9e3779b185ebca87ULL;
  constexpr std::uint64_t second = 0xc2b2ae3d27d4eb4fULL;
  // Each step is a bijection of what was before and of the word, so that one changed word never goes unnoticed.
  const auto add = [](std::uint64_t hash, std::uint64_t word) {
    return std::rotl(hash ^ (std::rotl(word * second, 31) * first), 27) * first + second;
  };
  std::uint64_t hash = first ^ bytes.size();
  std::uint64_t word = 0;
  for (; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = add(hash, word);
  }
  word = 0;
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
  hash = add(hash, word);
  hash = (hash ^ (hash >> 33U)) * second;
  hash ^= hash >> 29U;
  return hash == 0 ? 1 : hash;
}

std::string base64_encode(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  const auto bad = [] { return fail(ErrorCode::invalid, "decode base64", "not base64"); };
  // EVP_DecodeBlock trims blanks and takes padding anywhere for zero bits: what it must not see is refused here.
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const auto digits = text.substr(0, text.size() - padding);
  if (text.size() % 4 != 0 || digits.find_first_not_of(alphabet) != std::string_view::npos) return bad();
  std::string bytes(text.size() / 4 * 3 + 1, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), bytes_of(text), static_cast<int>(text.size()));
  if (length < 0) return bad();
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace base
