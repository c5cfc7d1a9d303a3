#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace base {
namespace {

using namespace std::string_literals;

TEST(Hash, Sha256IsTheOneOfFips180) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"\0"s, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
  };
  for (const auto& [text, hash] : table) EXPECT_EQ(sha256_hex(text), hash) << text;
}

TEST(Hash, HmacIsTheOneOfRfc4231) {
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_sha256_hex(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST(Hash, AnEmptyKeyIsAKey) {
  EXPECT_EQ(hmac_sha256_hex("", ""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hash, AShortHashIsTheFirstTenDigits) { EXPECT_EQ(short_hash(sha256_hex("abc")), "ba7816bf8f"); }

TEST(Hash, AFingerprintTellsEveryChangedByteAndEveryLength) {
  std::set<std::uint64_t> seen;
  std::string text;
  for (int length = 0; length < 40; ++length, text += 'a') {
    EXPECT_TRUE(seen.insert(fingerprint(text)).second) << text;
    for (std::size_t at = 0; at < text.size(); ++at) {
      auto other = text;
      other[at] = 'b';
      EXPECT_TRUE(seen.insert(fingerprint(other)).second) << other;
    }
  }
  EXPECT_NE(fingerprint("\0"s), fingerprint("\0\0"s));
  EXPECT_EQ(fingerprint("the same text"), fingerprint("the same text"s));
}

TEST(Hash, AFingerprintIsNeverThatOfNoText) { EXPECT_NE(fingerprint(""), 0U); }

TEST(Base64, GoesBothWays) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"foobar", "Zm9vYmFy"},
      {"\0\0"s, "AAA="},
      {"\xff\xfe\xfd", "//79"},
  };
  for (const auto& [bytes, text] : table) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes) << text;
  }
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (const std::string text : {"Z", "Zg", "Zg=", "Zg==\n", "Zg= =", "Z===", "====", "=Zg=", "Z=g=", "Zm9v\n\n\n\n",
                                 "    ", "Zm-_", "Zm9\x80"}) {
    const auto bytes = base64_decode(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code, ErrorCode::invalid) << text;
  }
}

TEST(Base64, SaysNothingOfTheTextItRefuses) {
  // It may be a secret.
  EXPECT_EQ(to_string(base64_decode("hunter2").error()), "decode base64: not base64");
}

}  // namespace
}  // namespace base
