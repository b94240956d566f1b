#include "backend/jwt_reader.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "backend/base64url.h"
#include "backend/json_object.h"

namespace halley::backend {
namespace {

// `typ` says what kind of JWT it is (RFC 8725 3.11): one for another purpose, a logout token say, is
// no login.
bool IsLoginType(std::string_view type) {
  const auto is = [type](absl::string_view name) {
    return absl::EqualsIgnoreCase(absl::string_view(type.data(), type.size()), name);
  };
  return type.empty() || is("JWT") || is("at+jwt") || is("application/at+jwt");
}

}  // namespace

JwtReader::JwtReader(size_t token_bytes_max) : token_bytes_max_(token_bytes_max) {
  PrepareJsonParser(&parser_);
}

JwtFault JwtReader::Read(std::string_view token, const KeySet& keys,
                         simdjson::dom::object* claims) {
  missed_key_ = false;
  if (token.size() > token_bytes_max_) return JwtFault::kTooBig;
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  // A dot between them is no base64url, so there are exactly two.
  if (first == last) return JwtFault::kBadForm;
  const std::string_view payload = token.substr(first + 1, last - first - 1);
  Header header;
  const JwtFault bad_header = ReadHeader(token.substr(0, first), &header);
  if (bad_header != JwtFault::kNone) return bad_header;
  if (!DecodeBase64Url(token.substr(last + 1), &signature_)) return JwtFault::kBadForm;
  const JwtFault unsigned_by_us =
      keys.Verify(header.algorithm, header.key_id, token.substr(0, last), signature_);
  if (unsigned_by_us != JwtFault::kNone) {
    missed_key_ = !header.key_id.empty() && !keys.HasId(header.key_id);
    return unsigned_by_us;
  }
  if (!DecodeBase64Url(payload, &decoded_)) return JwtFault::kBadForm;
  const std::optional<simdjson::dom::object> object = ParseUniqueObject(&parser_, decoded_);
  if (!object.has_value()) return JwtFault::kBadForm;
  *claims = *object;
  return JwtFault::kNone;
}

JwtFault JwtReader::ReadHeader(std::string_view encoded, Header* header) {
  if (!DecodeBase64Url(encoded, &decoded_)) return JwtFault::kBadForm;
  const std::optional<simdjson::dom::object> object = ParseUniqueObject(&parser_, decoded_);
  if (!object.has_value()) return JwtFault::kBadForm;
  std::string_view algorithm, id, type;
  if (!ReadText(*object, "alg", &algorithm) || !ReadText(*object, "kid", &id) ||
      !ReadText(*object, "typ", &type) || !IsLoginType(type)) {
    return JwtFault::kBadHeader;
  }
  // RFC 7515 4.1.11: none of the extensions that must be understood is.
  if (object->at_key("crit").error() == simdjson::SUCCESS) return JwtFault::kBadHeader;
  const std::optional<SigningAlgorithm> known = SigningAlgorithmNamed(algorithm);
  if (!known.has_value()) return JwtFault::kAlgorithm;
  header->algorithm = *known;
  header->key_id = id;
  return JwtFault::kNone;
}

}  // namespace halley::backend
