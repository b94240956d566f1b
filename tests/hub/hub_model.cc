#include "hub/hub_model.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace halley::hub {
namespace {

constexpr int32_t kReplyOp = 3;
constexpr int32_t kRawOp = 9;

std::string BigEndian(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}

uint64_t ReadBigEndian(std::string_view text) {
  uint64_t value = 0;
  for (const char byte : text) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// Written out again here, so that the hub's use of the codec is checked too.
std::string Frame(int32_t op, uint16_t ver, const std::string& body) {
  return BigEndian(16 + body.size(), 4) + BigEndian(16, 2) + BigEndian(ver, 2) +
         BigEndian(static_cast<uint32_t>(op), 4) + BigEndian(0, 4) + body;
}

std::string WebSocketMessage(const std::string& payload) {
  std::string head = "\x82";
  if (payload.size() < 126) return head + BigEndian(payload.size(), 1) + payload;
  if (payload.size() < 65536) return head + "\x7e" + BigEndian(payload.size(), 2) + payload;
  return head + "\x7f" + BigEndian(payload.size(), 8) + payload;
}

// The number first; the rest tells bodies and places in them apart.
std::string Body(uint64_t id, uint64_t bytes) {
  std::string body = BigEndian(id, 8);
  for (uint64_t i = body.size(); i < bytes; ++i) body += static_cast<char>('a' + (id * 7 + i) % 26);
  return body;
}

}  // namespace

uint64_t HubModel::NewPush(int32_t op, uint64_t bytes, uint32_t batch_frames) {
  const uint64_t id = messages_.size();
  Message message{op, batch_frames > 0, {}, {}};
  for (uint32_t i = 0; i < batch_frames; ++i) {
    message.body += Frame(op, 1, Body(id, bytes / batch_frames));
  }
  if (!message.batch) message.body = Body(id, bytes);
  const std::string frames = message.batch ? message.body : Frame(op, 1, message.body);
  message.wire[static_cast<size_t>(wire::Encoding::kGoimTcp)] = frames;
  // The model's hub compresses nothing: what that looks like has a test of its own.
  message.wire[static_cast<size_t>(wire::Encoding::kGoimWebSocket)] =
      message.wire[static_cast<size_t>(wire::Encoding::kGoimWebSocketDeflate)] =
          WebSocketMessage(Frame(kRawOp, 1, frames));
  messages_.push_back(std::move(message));
  return id;
}

uint64_t HubModel::NewReply(uint64_t bytes) {
  const uint64_t id = messages_.size();
  Message message{kReplyOp, false, {}, {}};
  const std::string frame = Frame(kReplyOp, 1, Body(id, bytes));
  message.wire[static_cast<size_t>(wire::Encoding::kGoimTcp)] = frame;
  message.wire[static_cast<size_t>(wire::Encoding::kGoimWebSocket)] =
      message.wire[static_cast<size_t>(wire::Encoding::kGoimWebSocketDeflate)] =
          WebSocketMessage(frame);
  messages_.push_back(std::move(message));
  return id;
}

void HubModel::Add(const Identity& identity) {
  ASSERT_FALSE(Has(identity.slot));
  Client& client = clients_[identity.slot];
  client.encoding = identity.encoding;
  client.key = identity.key;
  client.mid = identity.mid;
  client.serial = ++next_serial_;
  client.ops.insert(identity.accepts.begin(), identity.accepts.end());
  client.everyone = ++next_stream_;
  client.personal = ++next_stream_;
  client.replies = ++next_stream_;
}

void HubModel::Remove(uint32_t slot) {
  lost_ += Pending(slot);
  clients_.erase(slot);
}

std::vector<uint32_t> HubModel::slots() const {
  std::vector<uint32_t> slots;
  for (const auto& [slot, client] : clients_) slots.push_back(slot);
  return slots;
}

void HubModel::SetOps(uint32_t slot, const std::set<int32_t>& ops) {
  Client& client = clients_.at(slot);
  if (client.ops == ops) return;
  client.ops = ops;
  client.everyone = ++next_stream_;
}

std::vector<uint32_t> HubModel::WithKey(std::string_view key) const {
  std::map<uint64_t, uint32_t, std::greater<>> found;
  for (const auto& [slot, client] : clients_) {
    if (client.key == key) found[client.serial] = slot;
  }
  std::vector<uint32_t> slots;
  for (const auto& [serial, slot] : found) slots.push_back(slot);
  return slots;
}

std::vector<uint32_t> HubModel::WithMid(int64_t mid) const {
  std::map<uint64_t, uint32_t, std::greater<>> found;
  for (const auto& [slot, client] : clients_) {
    if (client.mid == mid && mid != 0) found[client.serial] = slot;
  }
  std::vector<uint32_t> slots;
  for (const auto& [serial, slot] : found) slots.push_back(slot);
  return slots;
}

void HubModel::Join(uint32_t slot, const std::string& room) {
  const auto [entry, fresh] = clients_.at(slot).rooms.try_emplace(room, 0);
  if (fresh) entry->second = ++next_stream_;
}

void HubModel::LeaveRooms(uint32_t slot) { clients_.at(slot).rooms.clear(); }

std::vector<uint32_t> HubModel::Members(const std::string& room) const {
  std::vector<uint32_t> slots;
  for (const auto& [slot, client] : clients_) {
    if (client.rooms.count(room) > 0) slots.push_back(slot);
  }
  return slots;
}

std::set<std::string> HubModel::Rooms() const {
  std::set<std::string> rooms;
  for (const auto& [slot, client] : clients_) {
    for (const auto& [room, stream] : client.rooms) rooms.insert(room);
  }
  return rooms;
}

void HubModel::Expect(uint32_t slot, uint64_t stream, uint64_t id, bool maybe) {
  Client& client = clients_.at(slot);
  client.streams[stream].push_back({id, maybe});
  ASSERT_TRUE(client.stream_of.emplace(id, stream).second);
}

void HubModel::ExpectReply(uint32_t slot, uint64_t id) {
  Expect(slot, clients_.at(slot).replies, id, false);
}
void HubModel::ExpectPersonal(uint32_t slot, uint64_t id, bool maybe) {
  Expect(slot, clients_.at(slot).personal, id, maybe);
}
void HubModel::ExpectOfRoom(uint32_t slot, const std::string& room, uint64_t id) {
  Expect(slot, clients_.at(slot).rooms.at(room), id, false);
}
void HubModel::ExpectOfEveryone(uint32_t slot, uint64_t id) {
  Expect(slot, clients_.at(slot).everyone, id, false);
}

// Where a message's number stands, by what its first bytes say. False: not there yet.
bool HubModel::ReadId(const Client& client, uint64_t* id) {
  const std::string& bytes = client.received;
  size_t at = 16;
  if (client.encoding != wire::Encoding::kGoimTcp) {
    if (bytes.size() < 2) return false;
    const int length = bytes[1] & 0x7f;
    const size_t outer = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (bytes.size() < outer + 16) return false;
    const bool push = ReadBigEndian(std::string_view(bytes).substr(outer + 8, 4)) == kRawOp;
    at = outer + (push ? 32 : 16);
  }
  if (bytes.size() < at + 8) return false;
  *id = ReadBigEndian(std::string_view(bytes).substr(at, 8));
  return true;
}

void HubModel::Receive(uint32_t slot, std::string_view bytes) {
  ASSERT_TRUE(Has(slot)) << "sent to slot " << slot << ", where nobody is";
  Client& client = clients_.at(slot);
  client.received += bytes;
  uint64_t id = 0;
  while (ReadId(client, &id)) {
    ASSERT_LT(id, messages_.size()) << "slot " << slot << ": torn or mixed stream";
    const std::string& wire = messages_[id].wire[static_cast<size_t>(client.encoding)];
    const size_t some = std::min(wire.size(), client.received.size());
    ASSERT_EQ(client.received.compare(0, some, wire, 0, some), 0)
        << "slot " << slot << ": message " << id << " is torn, mixed or wrong";
    if (client.received.size() < wire.size()) return;
    client.received.erase(0, wire.size());
    OnWhole(client, id);
    if (testing::Test::HasFatalFailure()) return;
  }
}

void HubModel::OnWhole(Client& client, uint64_t id) {
  const auto found = client.stream_of.find(id);
  ASSERT_NE(found, client.stream_of.end())
      << "message " << id << " came twice, out of order or to the wrong client";
  const uint64_t number = found->second;
  std::deque<Due>& stream = client.streams[number];
  for (;;) {
    const Due due = stream.front();
    stream.pop_front();
    client.stream_of.erase(due.id);
    if (due.id == id) break;
    ASSERT_NE(number, client.replies) << "reply " << due.id << " was lost";
    if (!due.maybe) ++passed_over_;
  }
  if (number != client.replies) ++received_;
}

uint64_t HubModel::Pending(uint32_t slot) const {
  const Client& client = clients_.at(slot);
  uint64_t pending = 0;
  for (const auto& [number, stream] : client.streams) {
    if (number == client.replies) continue;
    for (const Due& due : stream) pending += due.maybe ? 0 : 1;
  }
  return pending;
}

bool HubModel::RepliesPending(uint32_t slot) const {
  const Client& client = clients_.at(slot);
  const auto found = client.streams.find(client.replies);
  return found != client.streams.end() && !found->second.empty();
}

}  // namespace halley::hub
