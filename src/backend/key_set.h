// KeySet: all keys that tokens may be signed with; and KeyStore, which holds the set in use.
//
// A set is immutable. Reload() reads every file that the options name into a new one, TakeJwks() puts
// a set that was fetched beside them; only what is good as a whole takes the place of the old, and
// who verifies meanwhile goes on with what it has.
//
// Threads    Any.
// Errors     Load, Reload and TakeJwks: one sentence that names the file, the cause and the cure.
// Limits     kKeysMax keys, since a token without a `kid` may be held against each of its algorithm;
//            files of kKeyFileBytesMax.
#pragma once

#include <atomic>
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
  using Keys = std::vector<std::shared_ptr<const VerificationKey>>;

  static constexpr size_t kKeysMax = 16;
  static constexpr size_t kKeyFileBytesMax = size_t{1} << 18;

  // Of the files. There may be none where jwt.jwks_url names more.
  static absl::StatusOr<std::shared_ptr<const KeySet>> Load(const config::JwtOptions& options);
  static absl::StatusOr<std::shared_ptr<const KeySet>> Of(std::vector<VerificationKey> keys);
  static absl::StatusOr<std::shared_ptr<const KeySet>> Of(Keys keys);

  // kNone, kUnknownKey or kBadSignature. `id`: the token's `kid`; empty: it names none, and every
  // key of its algorithm may have signed it. So may keys that have no id themselves.
  JwtFault Verify(SigningAlgorithm algorithm, std::string_view id, std::string_view text,
                  std::string_view signature) const;

  bool HasId(std::string_view id) const;
  size_t size() const { return keys_.size(); }

 private:
  friend class KeyStore;
  explicit KeySet(Keys keys) : keys_(std::move(keys)) {}

  const Keys keys_;
};

class KeyStore {
 public:
  static absl::StatusOr<std::unique_ptr<KeyStore>> Create(const config::JwtOptions& options);
  // Of keys from elsewhere, which Reload() knows nothing of.
  explicit KeyStore(std::shared_ptr<const KeySet> keys) : keys_(std::move(keys)) {}

  // On failure the set that was there before stays.
  absl::Status Reload();
  // The text of the set at jwt.jwks_url, in place of the last. Likewise; and it must have a key of
  // ours, and no secret, since whoever can fetch it could sign.
  absl::Status TakeJwks(std::string_view text);
  std::shared_ptr<const KeySet> keys() const;

  // A token has named a key that is not here. No lock is taken. The other tells whether one has
  // since it last asked.
  void MissKey() const { key_missed_.store(true, std::memory_order_relaxed); }
  bool TakeMissedKey() { return key_missed_.exchange(false, std::memory_order_relaxed); }

  // How often the set at jwt.jwks_url could not be had, or was no good.
  void CountFailedFetch() { failed_fetches_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t failed_fetches() const { return failed_fetches_.load(std::memory_order_relaxed); }

 private:
  explicit KeyStore(const config::JwtOptions& options) : options_(options) {}
  absl::Status Replace(KeySet::Keys files, KeySet::Keys fetched);

  const config::JwtOptions options_;
  std::mutex changing_;      // held by who makes a new set; before mutex_
  KeySet::Keys files_;
  KeySet::Keys fetched_;
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
  mutable std::atomic<bool> key_missed_{false};
  std::atomic<uint64_t> failed_fetches_{0};
};

}  // namespace halley::backend
