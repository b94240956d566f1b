// KeySet: all keys that tokens may be signed with; and KeyStore, which holds the set in use.
//
// A set is immutable. Reload() reads every file that the options name into a new one, and only when
// all of it is good puts it in place of the old; who verifies meanwhile goes on with what it has.
//
// Threads    KeySet: any. KeyStore: any; Reload() on one at a time.
// Errors     Load and Reload: one sentence that names the file, the cause and the cure.
// Limits     kKeysMax keys, since a token without a `kid` may be held against each of its algorithm;
//            files of kKeyFileBytesMax.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backend/jwt_fault.h"
#include "backend/verification_key.h"
#include "config/options.h"

namespace halley::backend {

class KeySet {
 public:
  static constexpr size_t kKeysMax = 16;
  static constexpr size_t kKeyFileBytesMax = size_t{1} << 18;

  static absl::StatusOr<std::shared_ptr<const KeySet>> Load(const config::JwtOptions& options);
  static absl::StatusOr<std::shared_ptr<const KeySet>> Of(std::vector<VerificationKey> keys);

  // kNone, kUnknownKey or kBadSignature. `id`: the token's `kid`; empty: it names none, and every
  // key of its algorithm may have signed it. So may keys that have no id themselves.
  JwtFault Verify(SigningAlgorithm algorithm, std::string_view id, std::string_view text,
                  std::string_view signature) const;

  size_t size() const { return keys_.size(); }

 private:
  explicit KeySet(std::vector<VerificationKey> keys) : keys_(std::move(keys)) {}

  const std::vector<VerificationKey> keys_;
};

class KeyStore {
 public:
  static absl::StatusOr<std::unique_ptr<KeyStore>> Create(const config::JwtOptions& options);
  // Of keys from elsewhere, which Reload() knows nothing of.
  explicit KeyStore(std::shared_ptr<const KeySet> keys) : keys_(std::move(keys)) {}

  // On failure the set that was there before stays.
  absl::Status Reload();
  std::shared_ptr<const KeySet> keys() const;

 private:
  explicit KeyStore(const config::JwtOptions& options) : options_(options) {}

  const config::JwtOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
};

}  // namespace halley::backend
