// Engine: decides which call to a backend is made when, where, and whether again.
//
// A login that finds no address open, or no room to wait, is unavailable at once; one that waits is so
// when its time is over. It is made again only where the backend cannot have heard it, and another address
// is there. What nobody waits for is made again, with growing and drawn delays, when that does no harm
// (IsRepeatable); until then, or until an address is open, it waits. All that concerns one connection,
// or, where the protocol has no place for serials, one key, is told in order, one at a time.
// Disconnects that pile up go together, where the protocol has it so.
//
// Where nothing carries serials, a disconnect that has not been sent when its key has logged in again is
// dropped; where one may have overtaken the login, the client is announced once more.
//
// Threads    One. It has no clock, no thread and no socket: time comes in by Advance(), and what is to
//            be done outside is the transport's.
// Ownership  Borrows transport, sink and figures, which outlive it. Owns calls until they end.
// Limits     EngineOptions. Each call ends exactly once, in the figures, and each login in the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "remote/address_book.h"
#include "remote/call.h"
#include "remote/chains.h"
#include "remote/engine_options.h"
#include "remote/figures.h"
#include "remote/transport.h"

namespace halley::remote {

class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  virtual void OnAnswer(uint32_t shard, Answer answer) = 0;
};

// An address can be used, or cannot any more.
struct AddressNews {
  std::string_view name;
  bool open;
  std::string_view why;  // of one that cannot
};

class Engine final : public TransportSink {
 public:
  using Tell = std::function<void(const AddressNews&)>;

  Engine(const EngineOptions& options, Transport* transport, AnswerSink* sink, Figures* figures,
         Tell tell, uint64_t seed);

  // Those that there are from now on. What is under way with others goes on.
  void SetAddresses(absl::Span<const std::string> names);
  // What time it is for what follows.
  void SetTime(uint64_t now_ns) { now_ns_ = now_ns; }
  void Submit(std::unique_ptr<Call> call);

  // Does what is due at `now_ns`. Returns when there will be more to do, unless something happens.
  uint64_t Advance(uint64_t now_ns);

  void OnDone(ExchangeId id, Result result) override;
  void OnProbed(AddressId address, bool usable, std::string_view why) override;

  // Nothing waits and nothing is under way.
  bool Idle() const { return logins_held_ == 0 && others_held_ == 0; }
  bool AnyOpen() const { return book_.AnyOpen(); }

 private:
  struct Item {
    std::unique_ptr<Call> call;
    uint64_t chain = 0;
    uint64_t expires_ns = 0;
    uint32_t attempts = 0;
    AddressId last = 0;       // whom it was sent to last
    bool in_flight = false;
    bool superseded = false;  // to be dropped before it is sent
  };
  using ItemPtr = std::unique_ptr<Item>;
  using Queue = std::deque<ItemPtr>;
  struct Exchange {
    AddressId address;
    uint64_t begun_ns;
    uint64_t give_up_ns;
    std::vector<ItemPtr> items;
  };

  bool MayWait(const Call& call, Ending* why_not) const;
  uint64_t ChainOf(const Call& call) const;
  void Enqueue(ItemPtr item);
  void ReleaseRetries();
  void GiveUpLate();
  void ForgetGone();
  void ExpireWaiting();
  void EndWhatCannotWait();
  void Probe();
  void Dispatch();
  Queue* NextQueue();
  void Start(Queue* queue, AddressId address);
  void Settle(ItemPtr item, const Exchange& exchange, Result& result);
  bool Repeats(const Item& item, Outcome outcome) const;
  void Repeat(ItemPtr item, Outcome outcome);
  void EndLogin(ItemPtr item, Ending ending, Result* result);
  void End(ItemPtr item, Ending ending);
  void Supersede(const backend::ConnectReply& login, const Call& call, uint64_t begun_ns);
  void Changed(AddressId address, std::string_view why);
  void Publish();

  const EngineOptions options_;
  Transport& transport_;
  AnswerSink& sink_;
  Figures& figures_;
  const Tell tell_;
  const Traits traits_;
  AddressBook book_;
  std::minstd_rand random_;

  uint64_t now_ns_ = 0;
  ExchangeId last_exchange_ = 0;
  size_t logins_held_ = 0;  // from Submit() to their end
  size_t others_held_ = 0;
  Queue logins_;            // by expiry
  Queue disconnects_;
  Queue others_;
  size_t turn_ = 0;         // which queue is looked at first
  Chains<Item> chains_;
  std::multimap<uint64_t, ItemPtr> retries_;  // by when
  absl::flat_hash_map<ExchangeId, Exchange> exchanges_;
  std::deque<std::pair<uint64_t, ExchangeId>> give_ups_;  // by when; those that have ended, too
  // Where the protocol repairs: keys' chains, and when a disconnect of theirs ended last.
  absl::flat_hash_map<uint64_t, uint64_t> gone_;
  std::deque<std::pair<uint64_t, uint64_t>> gone_order_;  // when, chain
};

}  // namespace halley::remote
