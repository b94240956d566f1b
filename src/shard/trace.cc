#include "shard/trace.h"

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace halley::shard {

bool TraceTarget::operator==(const TraceTarget& other) const {
  if (kind != other.kind) return false;
  switch (kind) {
    case TraceKind::kKey: return name == other.name;
    case TraceKind::kMid: return mid == other.mid;
    case TraceKind::kIp: break;
  }
  return std::memcmp(&ip, &other.ip, sizeof ip) == 0;
}

std::string OnOneLine(std::string_view text) { return absl::CHexEscape({text.data(), text.size()}); }

std::string Described(const TraceTarget& target) {
  switch (target.kind) {
    case TraceKind::kKey: return absl::StrCat("key ", OnOneLine(target.name));
    case TraceKind::kMid: return absl::StrCat("mid ", target.mid);
    case TraceKind::kIp: break;
  }
  return absl::StrCat("ip ", OnOneLine(target.name));
}

std::optional<Trace>* TraceTable::Find(const TraceTarget& target) {
  for (std::optional<Trace>& each : traces_) {
    if (each.has_value() && each->target == target) return &each;
  }
  return nullptr;
}

std::string TraceTable::Begin(const TraceTarget& target, uint64_t end_ns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (std::optional<Trace>* const found = Find(target)) {
    (*found)->end_ns = end_ns;
    Changed();
    return {};
  }
  for (uint32_t place = 0; place < kTracesMax; ++place) {
    if (traces_[place].has_value()) continue;
    traces_[place] = Trace{++next_id_, place, end_ns, target};
    Changed();
    return {};
  }
  return absl::StrCat("this node has ", kTracesMax,
                      " traces, which is as many as it may: end one of them first (halleyctl trace off)");
}

bool TraceTable::End(const TraceTarget& target) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::optional<Trace>* const found = Find(target);
  if (found == nullptr) return false;
  found->reset();
  Changed();
  return true;
}

std::vector<Trace> TraceTable::Expire(uint64_t now_ns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Trace> over;
  for (std::optional<Trace>& each : traces_) {
    if (!each.has_value() || now_ns < each->end_ns) continue;
    over.push_back(*each);
    each.reset();
  }
  if (!over.empty()) Changed();
  return over;
}

std::vector<Trace> TraceTable::List() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Trace> list;
  for (const std::optional<Trace>& each : traces_) {
    if (each.has_value()) list.push_back(*each);
  }
  return list;
}

}  // namespace halley::shard
