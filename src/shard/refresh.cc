// Shard: a client that is logged in shows a new token, so that its connection outlives the old one.
//
// While the backend thinks the client waits, as for a room: pushes go on, nothing is read. The old
// end holds until the new token is accepted, and for good when it is refused.
#include <string>
#include <utility>
#include <vector>

#include "shard/shard.h"
#include "wire/goim_frame.h"

namespace halley::shard {
namespace {

// From one new token of a connection to the next. A signature costs up to a tenth of a millisecond,
// and who is logged in must not be able to keep a core busy with them. At least a second, whatever
// part of a tenth is gone when the first comes.
constexpr uint32_t kTenthsApart = 11;

// What the reply of op 19 says of a token that is accepted: how long it holds, in seconds rounded up,
// so that 0 is left for those that never end.
std::string HoldsFor(uint64_t expires_in_ms, bool for_good) {
  return for_good ? "0" : std::to_string((expires_in_ms - 1) / 1000 + 1);
}

}  // namespace

void Shard::OnRefresh(Connection& connection, const wire::GoimFrame& frame) {
  const auto now_ds = static_cast<uint32_t>(now_ns_ / kTenthNs);
  if (now_ds < connection.refresh_from_ds) {
    ++counts_.refreshes_too_soon;
    wire::AppendReply(connection.session.encoding(),
                      {wire::op::kRefreshReply, frame.seq, frame.ver, {}}, &out_);
    return;
  }
  connection.refresh_from_ds = now_ds + kTenthsApart;
  OnSignOfLife(connection);
  connection.phase = Phase::kWaiting;
  connection.extra = std::make_unique<Greeting>();
  connection.greeting()->asked.request = {frame.op, frame.seq, frame.ver, {}};
  backend::RefreshRequest request;
  request.ticket = {SlotOf(connection), GenerationOf(connection)};
  request.client = IdentityOf(connection);
  request.token = frame.body;
  backend_.Refresh(request, *this);
}

void Shard::OnRefreshReply(backend::Ticket ticket, backend::RefreshReply reply) {
  refresh_answers_.push_back({ticket, reply});
}

void Shard::SettleRefreshes() {
  if (refresh_answers_.empty()) return;
  std::vector<RefreshAnswer> answers;
  answers.swap(refresh_answers_);
  for (const RefreshAnswer& answer : answers) {
    Connection* const connection = Find(answer.ticket.slot, answer.ticket.generation);
    // The client may have gone while the backend thought.
    if (connection == nullptr || connection->phase != Phase::kWaiting) continue;
    Greeting& greeting = *connection->greeting();
    if (greeting.asked.request.op != wire::op::kRefresh) continue;
    if (answer.reply.verdict == backend::ConnectVerdict::kAccepted) {
      connection->expires_ds = ExpiresDs(answer.reply.expires_in_ms);
      SetDeadline(*connection, SilentUntilNs(*connection, connection->idle_ms));
      greeting.body = HoldsFor(answer.reply.expires_in_ms, connection->expires_ds == 0);
    }
    FinishWaiting(*connection);
  }
}

}  // namespace halley::shard
