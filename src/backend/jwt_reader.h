// JwtReader: a JSON Web Token from its text to claims that somebody we know has signed.
//
// Own code over OpenSSL and simdjson: of what Debian 12 packages, libjwt 1.10 knows no EdDSA and no
// key sets, reads the key anew for each token and takes the algorithm from the token's header;
// cpp-jwt throws, and knows neither; librhonabwy brings GnuTLS and jansson.
//
// Source     RFC 7515 (JWS, compact), RFC 7519 (JWT), RFC 8725 (what to refuse).
// Threads    One.
// Ownership  Claims live until the next Read().
// Limits     jwt.token_bytes; kJsonDepthMax.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "backend/jwt_fault.h"
#include "backend/key_set.h"

namespace halley::backend {

class JwtReader {
 public:
  explicit JwtReader(size_t token_bytes_max);

  // kNone: `*claims` are what the token says, signed. Nothing of what an unknown signer wrote is
  // read but the header.
  JwtFault Read(std::string_view token, const KeySet& keys, simdjson::dom::object* claims);
  // Whether the last one was refused, and names a key (`kid`) that is not among ours.
  bool missed_key() const { return missed_key_; }

 private:
  struct Header {
    SigningAlgorithm algorithm;
    std::string key_id;
  };
  JwtFault ReadHeader(std::string_view encoded, Header* header);

  const size_t token_bytes_max_;
  simdjson::dom::parser parser_;
  bool missed_key_ = false;
  std::string decoded_;    // scratch
  std::string signature_;  // scratch
};

}  // namespace halley::backend
