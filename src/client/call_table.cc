#include "client/call_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::client {

CallTable::CallTable(size_t in_flight_max, size_t queued_bytes_max)
    : in_flight_max_(in_flight_max), queued_bytes_max_(queued_bytes_max) {
  HALLEY_ASSERT(in_flight_max > 0);
}

CallTable::~CallTable() { HALLEY_ASSERT(calls_.empty()); }

bool CallTable::HasRoom(size_t frame_bytes) const {
  return calls_.size() < in_flight_max_ &&
         (queued_bytes_ == 0 || queued_bytes_ + frame_bytes <= queued_bytes_max_);
}

absl::Status CallTable::WaitForRoom(Lock* lock, size_t frame_bytes, Clock::time_point deadline,
                                    bool may_wait) {
  while (closed_.ok() && !HasRoom(frame_bytes)) {
    if (!may_wait) {
      return absl::ResourceExhaustedError(
          absl::StrCat(calls_.size(), " calls are in flight and ", queued_bytes_,
                       " bytes wait to leave: start fewer at a time or raise in_flight_max"));
    }
    ++waiters_count_;
    const bool timed_out = changed_.wait_until(*lock, deadline) == std::cv_status::timeout;
    --waiters_count_;
    if (timed_out && closed_.ok() && !HasRoom(frame_bytes)) {
      return absl::DeadlineExceededError(
          "too many calls were in flight until the deadline and this one was never sent: start "
          "fewer at a time");
    }
  }
  return Detached(closed_);
}

bool CallTable::Start(uint64_t id, std::string frame, Clock::time_point deadline, bool may_wait,
                      Done done) {
  HALLEY_ASSERT(!frame.empty());
  absl::Status refused;
  {
    Lock lock(mutex_);
    refused = WaitForRoom(&lock, frame.size(), deadline, may_wait);
    if (refused.ok()) {
      queued_bytes_ += frame.size();
      next_deadline_ = std::min(next_deadline_, deadline);
      unsent_.push_back(id);
      calls_.try_emplace(id, Call{deadline, std::move(frame), std::move(done)});
      return std::exchange(sleeping_, false);
    }
  }
  done(std::move(refused), push::v1::Reply::default_instance());
  return false;
}

void CallTable::Drain() {
  Lock lock(mutex_);
  ++waiters_count_;
  changed_.wait(lock, [this] { return calls_.empty() && !in_callbacks_; });
  --waiters_count_;
}

void CallTable::TakeFrames(size_t bytes_max, std::string* out) {
  const Lock lock(mutex_);
  while (!unsent_.empty() && out->size() < bytes_max) {
    const auto found = calls_.find(unsent_.front());
    unsent_.pop_front();
    if (found == calls_.end()) continue;
    std::string frame = std::exchange(found->second.frame, std::string());
    queued_bytes_ -= frame.size();
    out->append(frame);
  }
  if (waiters_count_ > 0) changed_.notify_all();
}

CallTable::Outlook CallTable::BeginSleep() {
  const Lock lock(mutex_);
  sleeping_ = true;
  return {!unsent_.empty(), next_deadline_};
}

void CallTable::EndSleep() {
  const Lock lock(mutex_);
  sleeping_ = false;
}

CallTable::Call CallTable::Remove(absl::flat_hash_map<uint64_t, Call>::iterator found) {
  Call call = std::move(found->second);
  calls_.erase(found);
  queued_bytes_ -= call.frame.size();
  in_callbacks_ = true;
  if (waiters_count_ > 0) changed_.notify_all();
  return call;
}

template <typename Wanted>
std::vector<CallTable::Call> CallTable::RemoveIf(Wanted wanted) {
  std::vector<Call> removed;
  for (auto it = calls_.begin(); it != calls_.end();) {
    const auto current = it++;
    if (wanted(current->second)) removed.push_back(Remove(current));
  }
  return removed;
}

bool CallTable::Finish(uint64_t id, absl::Status status, const push::v1::Reply& reply) {
  Call call;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(id);
    if (found == calls_.end()) return false;
    call = Remove(found);
  }
  call.done(std::move(status), reply);
  call.done = nullptr;
  CallbacksRan();
  return true;
}

void CallTable::Answer(std::vector<Call> calls, const absl::Status& status) {
  for (Call& call : calls) call.done(Detached(status), push::v1::Reply::default_instance());
}

void CallTable::CallbacksRan() {
  const Lock lock(mutex_);
  in_callbacks_ = false;
  if (waiters_count_ > 0) changed_.notify_all();
}

void CallTable::Expire(Clock::time_point now, const std::string& not_sent) {
  std::vector<Call> sent;
  std::vector<Call> unsent;
  {
    const Lock lock(mutex_);
    if (now < next_deadline_) return;
    next_deadline_ = Clock::time_point::max();
    for (Call& call : RemoveIf([this, now](const Call& candidate) {
           if (candidate.deadline <= now) return true;
           next_deadline_ = std::min(next_deadline_, candidate.deadline);
           return false;
         })) {
      (call.frame.empty() ? sent : unsent).push_back(std::move(call));
    }
    if (!unsent.empty()) {
      std::erase_if(unsent_, [this](uint64_t id) { return !calls_.contains(id); });
    }
  }
  Answer(std::move(sent),
         absl::DeadlineExceededError("the node did not answer in time and the call may have been "
                                     "carried out: raise call_timeout or look at the node's load"));
  Answer(std::move(unsent), absl::DeadlineExceededError(not_sent));
  CallbacksRan();
}

void CallTable::FailSent(const absl::Status& status) {
  std::vector<Call> failed;
  {
    const Lock lock(mutex_);
    failed = RemoveIf([](const Call& call) { return call.frame.empty(); });
  }
  Answer(std::move(failed), status);
  CallbacksRan();
}

void CallTable::FailUnsent(const absl::Status& status) {
  std::vector<Call> failed;
  {
    const Lock lock(mutex_);
    failed = RemoveIf([](const Call& call) { return !call.frame.empty(); });
    unsent_.clear();
  }
  Answer(std::move(failed), status);
  CallbacksRan();
}

void CallTable::Close(const absl::Status& status) {
  std::vector<Call> failed;
  {
    const Lock lock(mutex_);
    closed_ = Detached(status);
    failed = RemoveIf([](const Call&) { return true; });
    unsent_.clear();
    changed_.notify_all();
  }
  Answer(std::move(failed), status);
  CallbacksRan();
}

}  // namespace halley::client
