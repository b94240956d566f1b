#include "sim/sim_ring.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>

namespace halley::sim {
namespace {

constexpr size_t kGoneMax = 64;
constexpr uint64_t kOverflowBurstMax = 16;

}  // namespace

void SimRing::Meet(std::vector<SimRing*> rings_by_shard) { rings_ = std::move(rings_by_shard); }

absl::Status SimRing::Start() {
  if (started_) Misuse("started twice", 0);
  started_ = true;
  return absl::OkStatus();
}

int32_t SimRing::AddListener(Listener* listener) {
  const int32_t fd = Allocate();
  table_[fd].listener = listener;
  listener->fd = fd;
  return fd;
}

size_t SimRing::unwatched_count() const {
  size_t count = 0;
  for (const auto& [fd, descriptor] : table_) count += descriptor.armed ? 0 : 1;
  return count - unreaped_;
}

void SimRing::Misuse(const char* what, int64_t detail) {
  char text[160];
  std::snprintf(text, sizeof text, "shard %u misuses its ring: %s (%lld)", shard_, what,
                static_cast<long long>(detail));
  core_.Fail(text);
}

SimRing::Descriptor* SimRing::Find(int fd, const char* what) {
  const auto found = table_.find(fd);
  if (found != table_.end()) return &found->second;
  Misuse(what, fd);
  return nullptr;
}

SimRing::Descriptor* SimRing::FindLink(int fd, const char* what) {
  Descriptor* descriptor = Find(fd, what);
  if (descriptor == nullptr || descriptor->link != nullptr) return descriptor;
  Misuse(what, fd);
  return nullptr;
}

SimRing::Descriptor* SimRing::InKernel(int32_t fd, uint64_t arming) {
  const auto found = table_.find(fd);
  if (found == table_.end()) return nullptr;
  Descriptor& descriptor = found->second;
  return descriptor.in_kernel && descriptor.arming == arming ? &descriptor : nullptr;
}

int32_t SimRing::Allocate() {
  int32_t fd = 3;
  for (const auto& [used, descriptor] : table_) {
    if (used != fd) break;
    ++fd;
  }
  table_.emplace(fd, Descriptor{});
  return fd;
}

// --- arming

void SimRing::Arm(io::Tag tag, int fd, io::Op op) {
  Descriptor* descriptor = Find(fd, "armed on a closed descriptor");
  if (descriptor == nullptr) return;
  if (!started_) Misuse("armed before Start()", fd);
  if (tag.op != op) Misuse("a tag that names another operation", fd);
  if (descriptor->armed) Misuse("armed twice", fd);
  if ((op == io::Op::kAccept) != (descriptor->listener != nullptr)) Misuse("armed on the wrong kind", fd);
  if (!armed_.emplace(KeyOf(tag), fd).second) Misuse("one tag for two operations", fd);
  descriptor->tag = tag;
  descriptor->armed = true;
  descriptor->arming = ++next_arming_;
  submissions_.push_back({Submission::Kind::kArm, fd, next_arming_, 0});
}

void SimRing::Cancel(io::Tag tag) {
  const auto found = armed_.find(KeyOf(tag));
  if (found == armed_.end()) {
    // What ended by itself may have been reaped in this turn and not been looked at yet.
    if (!ended_.contains(KeyOf(tag))) Misuse("cancels what is not armed", tag.slot);
    return;
  }
  submissions_.push_back(
      {Submission::Kind::kCancel, found->second, table_[found->second].arming, 0});
}

void SimRing::Wake(uint32_t shard) {
  if (shard == shard_ || shard >= rings_.size()) Misuse("wakes a shard that is not another", shard);
  submissions_.push_back({Submission::Kind::kWake, -1, 0, shard});
}

void SimRing::Submit() {
  for (const Submission& submission : std::exchange(submissions_, {})) {
    ++counters_.submissions;
    const int32_t fd = submission.fd;
    const uint64_t arming = submission.arming;
    switch (submission.kind) {
      case Submission::Kind::kArm: BeginArming(fd, arming); break;
      case Submission::Kind::kCancel:
        core_.After(core_.Delay(core_.faults().cancel_delay_ns),
                    [this, fd, arming] { PostCancelled(fd, arming); });
        break;
      case Submission::Kind::kWake: {
        SimRing* to = rings_[submission.shard];
        core_.After(core_.Delay(core_.faults().wake_delay_ns), [this, to] { to->PostWake(shard_); });
        break;
      }
    }
  }
}

void SimRing::BeginArming(int32_t fd, uint64_t arming) {
  const auto found = table_.find(fd);
  if (found == table_.end() || found->second.arming != arming) return;
  Descriptor& descriptor = found->second;
  descriptor.in_kernel = true;
  descriptor.due = false;
  descriptor.edges = 0;
  if (descriptor.listener != nullptr) {
    OnArrival(fd);
  } else {
    OnEdge(fd, net_.Readiness(*descriptor.link));
  }
}

// --- completions

void SimRing::SchedulePost(int32_t fd) {
  Descriptor& descriptor = table_[fd];
  if (descriptor.due) return;
  descriptor.due = true;
  const uint64_t arming = descriptor.arming;
  core_.After(core_.Delay(core_.faults().completion_delay_ns),
              [this, fd, arming] { Post(fd, arming); });
}

void SimRing::OnEdge(int32_t fd, uint32_t readiness) {
  const auto found = table_.find(fd);
  if (found == table_.end() || !found->second.in_kernel) return;
  Descriptor& descriptor = found->second;
  if (descriptor.tag.op == io::Op::kPollOnce) readiness &= ~io::kWritable;
  descriptor.edges |= readiness;
  if (descriptor.edges != 0) SchedulePost(fd);
}

void SimRing::OnArrival(int32_t fd) {
  const auto found = table_.find(fd);
  if (found == table_.end() || !found->second.in_kernel) return;
  if (!found->second.listener->backlog.empty()) SchedulePost(fd);
}

void SimRing::Post(int32_t fd, uint64_t arming) {
  Descriptor* descriptor = InKernel(fd, arming);
  if (descriptor == nullptr) return;
  descriptor->due = false;
  if (descriptor->listener != nullptr) {
    PostAccept(fd, arming);
    return;
  }
  uint32_t readiness = std::exchange(descriptor->edges, 0);
  if (core_.Strike(Fault::kSpurious)) readiness |= net_.Readiness(*descriptor->link);
  const bool multishot = descriptor->tag.op == io::Op::kWatch;
  descriptor->in_kernel = multishot && !EndsEarly();
  AddReady({descriptor->tag, io::Outcome::kOk, descriptor->in_kernel, readiness});
}

void SimRing::PostAccept(int32_t fd, uint64_t arming) {
  Descriptor* descriptor = InKernel(fd, arming);
  Listener& listener = *descriptor->listener;
  if (listener.backlog.empty()) return;
  io::Completion completion{descriptor->tag, io::Outcome::kOk, false, 0};
  if (table_.size() >= core_.faults().descriptors_max || core_.Strike(Fault::kAcceptExhausted)) {
    completion.outcome = io::Outcome::kExhausted;
  } else if (core_.Strike(Fault::kAcceptFailed)) {
    net_.Abort(listener.backlog.front());
    listener.backlog.pop_front();
    completion.outcome = io::Outcome::kFailed;
  } else {
    Link* link = listener.backlog.front();
    listener.backlog.pop_front();
    link->accepted = true;
    link->ring = this;
    link->shard = shard_;
    link->fd = Allocate();
    table_[link->fd].link = link;
    ++unreaped_;
    completion.value = static_cast<uint32_t>(link->fd);
    completion.more = !EndsEarly();
  }
  descriptor->in_kernel = completion.more;
  AddReady(completion);
  OnArrival(fd);
}

void SimRing::PostCancelled(int32_t fd, uint64_t arming) {
  Descriptor* descriptor = InKernel(fd, arming);
  if (descriptor == nullptr) return;
  descriptor->in_kernel = false;
  AddReady({descriptor->tag, io::Outcome::kEnd, false, 0});
}

void SimRing::PostWake(uint32_t from) {
  AddReady({{from, 0, io::Op::kWake}, io::Outcome::kOk, false, 0});
}

void SimRing::AddReady(const io::Completion& completion) {
  core_.Note("complete", shard_ << 8 | static_cast<uint32_t>(completion.tag.op),
             uint64_t{completion.tag.slot} << 8 | completion.value);
  ready_.push_back(completion);
}

bool SimRing::EndsEarly() {
  if (overflow_left_ == 0 && core_.Strike(Fault::kOverflow)) {
    overflow_left_ = static_cast<uint32_t>(core_.rng.Between(1, kOverflowBurstMax));
    ++counters_.cq_overflows;
  }
  if (overflow_left_ > 0) {
    --overflow_left_;
    return true;
  }
  return core_.Strike(Fault::kEarlyEnd);
}

// What a kernel posts late, or a shard finds in its queue after it gave the slot away.
void SimRing::AddStale() {
  if (gone_.empty() || !core_.Strike(Fault::kStale)) return;
  ready_.push_back({core_.rng.Pick(gone_), io::Outcome::kOk, core_.rng.Below(2) == 0,
                    static_cast<uint32_t>(core_.rng.Below(8))});
}

size_t SimRing::Reap(absl::Span<io::Completion> out) {
  AddStale();
  size_t count = 0;
  for (; count < out.size() && !ready_.empty(); ++count) {
    const io::Completion completion = ready_.front();
    ready_.pop_front();
    out[count] = completion;
    if (completion.tag.op == io::Op::kAccept && completion.outcome == io::Outcome::kOk) --unreaped_;
    const auto found = completion.more ? armed_.end() : armed_.find(KeyOf(completion.tag));
    if (found == armed_.end()) continue;
    table_[found->second].armed = false;
    ended_.insert(found->first);
    armed_.erase(found);
  }
  counters_.completions += count;
  return count;
}

void SimRing::Enter(uint64_t wait_ns) {
  ++counters_.enters;
  Submit();
  ended_.clear();
  wait_ns_ = wait_ns;
}

// --- bytes

io::Received SimRing::Receive(int fd, char* buffer, size_t bytes) {
  const Descriptor* descriptor = FindLink(fd, "receives on a closed descriptor");
  if (descriptor == nullptr) return {io::Outcome::kFailed, 0};
  if (bytes == 0) Misuse("receives nothing", fd);
  const io::Received received = net_.Receive(descriptor->link, buffer, bytes);
  core_.Note("receive", descriptor->link->id, received.bytes);
  return received;
}

int32_t SimRing::SendTo(int fd, absl::Span<const iovec> parts) {
  const Descriptor* descriptor = FindLink(fd, "sends on a closed descriptor");
  if (descriptor == nullptr) return -EBADF;
  if (parts.empty() || parts.size() > kSpanPartsMax) Misuse("sends too many parts, or none", fd);
  for (const iovec& part : parts) {
    if (part.iov_len == 0) Misuse("sends an empty part", fd);
  }
  if (descriptor->link->server_fin) {
    Misuse("sends after its own end of stream", fd);
    return -EPIPE;
  }
  const int32_t taken = net_.Take(descriptor->link, parts);
  core_.Note("send", descriptor->link->id, static_cast<uint64_t>(taken));
  return taken;
}

void SimRing::SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                       std::vector<base::SendException>* exceptions) {
  Submit();
  if (targets.empty()) return;
  if (targets.size() > kBatchMax) Misuse("a batch above its limit", static_cast<int64_t>(targets.size()));
  int64_t bytes = 0;
  for (const iovec& part : span) bytes += static_cast<int64_t>(part.iov_len);
  std::set<int32_t> seen;
  for (uint32_t i = 0; i < targets.size(); ++i) {
    if (!seen.insert(targets[i].fd).second) Misuse("sends twice in one batch", targets[i].fd);
    const int32_t taken = SendTo(targets[i].fd, span);
    ++counters_.sends;
    counters_.sent_bytes += static_cast<uint64_t>(std::max(taken, 0));
    if (taken != bytes) exceptions->push_back({i, taken});
    counters_.send_exceptions += taken != bytes ? 1 : 0;
  }
}

void SimRing::SendEach(absl::Span<const io::SendRequest> requests,
                       std::vector<base::SendException>* exceptions) {
  Submit();
  if (requests.size() > kBatchMax) Misuse("a batch above its limit", static_cast<int64_t>(requests.size()));
  std::set<int32_t> seen;
  for (uint32_t i = 0; i < requests.size(); ++i) {
    const io::SendRequest& request = requests[i];
    if (!seen.insert(request.fd).second) Misuse("sends twice in one batch", request.fd);
    const absl::Span<const iovec> parts(request.parts, request.parts_count);
    int64_t bytes = 0;
    for (const iovec& part : parts) bytes += static_cast<int64_t>(part.iov_len);
    const int32_t taken = SendTo(request.fd, parts);
    ++counters_.sends;
    counters_.sent_bytes += static_cast<uint64_t>(std::max(taken, 0));
    if (taken != bytes) exceptions->push_back({i, taken});
    counters_.send_exceptions += taken != bytes ? 1 : 0;
  }
}

// --- ends

void SimRing::ShutdownWrite(int fd) {
  const Descriptor* descriptor = FindLink(fd, "shuts a closed descriptor down");
  if (descriptor != nullptr) net_.ShutdownWrite(descriptor->link);
}

void SimRing::Shutdown(int fd) {
  const Descriptor* descriptor = Find(fd, "shuts a closed descriptor down");
  if (descriptor == nullptr) return;
  if (descriptor->listener != nullptr) {
    net_.CloseListener(descriptor->listener);
    const uint64_t arming = descriptor->arming;
    core_.After(core_.Delay(core_.faults().completion_delay_ns),
                [this, fd, arming] { PostCancelled(fd, arming); });
  } else {
    net_.Shutdown(descriptor->link);
  }
}

void SimRing::Forget(int fd) {
  const auto found = table_.find(fd);
  if (found->second.arming != 0 && found->second.link != nullptr) {
    gone_.push_back(found->second.tag);
    if (gone_.size() > kGoneMax) gone_.erase(gone_.begin());
  }
  table_.erase(found);
}

void SimRing::Close(int fd) {
  const Descriptor* descriptor = Find(fd, "closes a closed descriptor");
  if (descriptor == nullptr) return;
  if (descriptor->armed) Misuse("closes a descriptor with something armed on it", fd);
  core_.Note("close", shard_, static_cast<uint64_t>(fd));
  if (descriptor->listener != nullptr) {
    net_.CloseListener(descriptor->listener);
  } else {
    net_.Close(descriptor->link);
  }
  Forget(fd);
}

std::string SimRing::PeerAddress(int fd) {
  ++peers_asked_for_;
  const Descriptor* descriptor = FindLink(fd, "asks a closed descriptor for its peer");
  if (descriptor == nullptr || descriptor->link->broken) return {};
  return descriptor->link->address + ":" + std::to_string(descriptor->link->id);
}

// What came in is not counted in this world, so it says what the test can know.
std::optional<io::Traffic> SimRing::TrafficOf(int fd) {
  const Descriptor* descriptor = FindLink(fd, "asks a closed descriptor for its traffic");
  if (descriptor == nullptr) return std::nullopt;
  return io::Traffic{descriptor->link->taken_bytes, descriptor->link->unread.size(), 0};
}

// --- between shards

bool SimRing::PassDescriptors(uint32_t to_shard, absl::Span<const io::Passage> out) {
  if (to_shard == shard_ || to_shard >= rings_.size()) Misuse("passes to nobody", to_shard);
  if (out.empty() || out.size() > kPassagesMax) Misuse("passes too many, or none", to_shard);
  if (core_.Strike(Fault::kPassRefused)) return false;
  std::vector<Traveller> travellers;
  for (const io::Passage& passage : out) {
    const Descriptor* descriptor = FindLink(passage.fd, "passes a closed descriptor");
    if (descriptor == nullptr) continue;
    if (descriptor->armed) Misuse("passes a descriptor with something armed on it", passage.fd);
    travellers.push_back({descriptor->link, passage.token});
    descriptor->link->ring = nullptr;
    descriptor->link->fd = -1;
    Forget(passage.fd);
  }
  rings_[to_shard]->roads_[shard_].push_back(std::move(travellers));
  return true;
}

size_t SimRing::TakeDescriptors(uint32_t from_shard, absl::Span<io::Passage> in) {
  size_t count = 0;
  std::deque<std::vector<Traveller>>& road = roads_[from_shard];
  // As DescriptorRoad: whole messages, while there is room for the largest.
  while (!road.empty() && in.size() - count >= kPassagesMax) {
    for (const Traveller& traveller : road.front()) {
      const bool lost = table_.size() >= core_.faults().descriptors_max ||
                        core_.Strike(Fault::kPassLost);
      if (lost) {
        net_.Close(traveller.link);
        in[count++] = {-1, traveller.token};
        continue;
      }
      traveller.link->ring = this;
      traveller.link->shard = shard_;
      traveller.link->fd = Allocate();
      table_[traveller.link->fd].link = traveller.link;
      in[count++] = {traveller.link->fd, traveller.token};
    }
    road.pop_front();
  }
  return count;
}

}  // namespace halley::sim
