#include "push/status_codec.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace halley::push {
namespace {

// Every number differs, so that two fields that are swapped are found.
shard::ShardStatus Numbered() {
  shard::ShardStatus status;
  uint64_t next = 101;
  status.shard = 100;
  for (uint64_t* field :
       {&status.connections, &status.channels, &status.rooms, &status.push_connections,
        &status.push_requests, &status.push_invalid, &status.push_unauthorized,
        &status.push_refused, &status.accepted, &status.logins, &status.moved_in, &status.moved_out, &status.accept_errors,
        &status.stale_completions, &status.bytes_received, &status.turns, &status.cpu_ns,
        &status.buffer_bytes, &status.addresses, &status.addresses_without_place,
        &status.accounting.pushed, &status.accounting.appended,
        &status.accounting.expected, &status.accounting.delivered, &status.accounting.pending,
        &status.accounting.refused, &status.accounting.filtered, &status.accounting.log_bytes,
        &status.accounting.queue_bytes, &status.ring.enters, &status.ring.submissions,
        &status.ring.sends, &status.ring.send_exceptions, &status.ring.completions,
        &status.ring.cq_overflows, &status.ring.tls.handshakes, &status.ring.tls.resumed,
        &status.ring.tls.failures, &status.ring.held_bytes, &status.ring.sent_bytes}) {
    *field = next++;
  }
  for (uint64_t& skipped : status.accounting.skipped) skipped = next++;
  for (uint64_t& closed : status.closed) closed = next++;
  status.refused_logins = {{"expired", next++}, {"issuer", next++}};
  status.mailbox_commands = next++;
  for (uint64_t& clients : status.dialects) clients = next++;
  status.turn_time.Add(next++);
  status.push_time.Add(next++);
  status.ring_description = "a ring";
  status.draining = true;
  return status;
}

// Counts fields that are set, and collects the numbers, in a message and those within it.
void Visit(const google::protobuf::Message& message, std::set<uint64_t>* numbers, int* unset) {
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  const google::protobuf::Reflection* reflection = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = type->field(i);
    if (field->is_repeated()) {
      *unset += reflection->FieldSize(message, field) == 0;
      if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
      for (int k = 0; k < reflection->FieldSize(message, field); ++k) {
        Visit(reflection->GetRepeatedMessage(message, field, k), numbers, unset);
      }
    } else if (!reflection->HasField(message, field)) {
      ++*unset;
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      Visit(reflection->GetMessage(message, field), numbers, unset);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT64) {
      EXPECT_TRUE(numbers->insert(reflection->GetUInt64(message, field)).second)
          << field->full_name() << " repeats a number";
    }
  }
}

TEST(StatusCodec, FillsEveryFieldWithANumberOfItsOwn) {
  v1::ShardStatus encoded;
  EncodeStatus(Numbered(), &encoded);
  std::set<uint64_t> numbers;
  int unset = 0;
  Visit(encoded, &numbers, &unset);
  EXPECT_EQ(unset, 0) << encoded.DebugString();
  // All but the shard's, which is 32 bits wide, and the count of close reason "none".
  EXPECT_EQ(numbers.size(), 45 + hub::kSkipReasonsCount + wire::kCloseReasonsCount - 1 +
                                 wire::kEncodingsCount);
}

TEST(StatusCodec, PutsNumbersWhereTheyBelong) {
  const shard::ShardStatus status = Numbered();
  v1::ShardStatus encoded;
  EncodeStatus(status, &encoded);
  EXPECT_EQ(encoded.shard(), status.shard);
  EXPECT_EQ(encoded.connections(), status.connections);
  EXPECT_EQ(encoded.channels(), status.channels);
  EXPECT_EQ(encoded.moved_in(), status.moved_in);
  EXPECT_EQ(encoded.moved_out(), status.moved_out);
  EXPECT_EQ(encoded.cpu_ns(), status.cpu_ns);
  EXPECT_EQ(encoded.accounting().expected(), status.accounting.expected);
  EXPECT_EQ(encoded.accounting().delivered(), status.accounting.delivered);
  EXPECT_EQ(encoded.accounting().pending(), status.accounting.pending);
  EXPECT_EQ(encoded.ring().sends(), status.ring.sends);
  EXPECT_EQ(encoded.ring().send_exceptions(), status.ring.send_exceptions);
  EXPECT_EQ(encoded.ring().sent_bytes(), status.ring.sent_bytes);
  EXPECT_EQ(encoded.ring().description(), "a ring");
  EXPECT_EQ(encoded.push().requests(), status.push_requests);
  EXPECT_EQ(encoded.push().invalid(), status.push_invalid);
  EXPECT_EQ(encoded.push().refused(), status.push_refused);
}

TEST(StatusCodec, TellsHowLongThingsTake) {
  shard::ShardStatus status;
  for (const uint64_t ns : {1u, 5000u, 6000u}) status.push_time.Add(ns);
  status.dialects[static_cast<size_t>(wire::Encoding::kEventStream)] = 7;
  v1::ShardStatus encoded;
  EncodeStatus(status, &encoded);
  ASSERT_EQ(encoded.push_time().counts_size(), static_cast<int>(base::DurationHistogram::kBuckets));
  EXPECT_EQ(encoded.push_time().counts(0), 1u);
  EXPECT_EQ(encoded.push_time().counts(1), 2u);
  EXPECT_EQ(encoded.push_time().sum_ns(), 11'001u);
  EXPECT_EQ(encoded.turn_time().counts(0), 0u);
  ASSERT_EQ(encoded.dialects_size(), static_cast<int>(wire::kEncodingsCount));
  EXPECT_EQ(encoded.dialects(5).name(), "sse");
  EXPECT_EQ(encoded.dialects(5).count(), 7u);
}

TEST(StatusCodec, NamesReasons) {
  const shard::ShardStatus status = Numbered();
  v1::ShardStatus encoded;
  EncodeStatus(status, &encoded);
  std::set<std::string> names;
  for (const v1::NamedCount& closed : encoded.closed()) {
    EXPECT_TRUE(names.insert(closed.name()).second) << closed.name();
    if (closed.name() == "replaced") {
      EXPECT_EQ(closed.count(), status.closed[static_cast<size_t>(wire::CloseReason::kReplaced)]);
    }
  }
  EXPECT_EQ(names.size(), wire::kCloseReasonsCount - 1);
  EXPECT_TRUE(names.contains("replaced"));
  EXPECT_FALSE(names.contains("none"));
  ASSERT_EQ(encoded.accounting().skipped_size(), static_cast<int>(hub::kSkipReasonsCount));
  EXPECT_EQ(encoded.accounting().skipped(0).name(), "overflow");
  EXPECT_EQ(encoded.accounting().skipped(0).count(), status.accounting.skipped[0]);
  EXPECT_EQ(encoded.accounting().skipped(1).name(), "closed");
  EXPECT_EQ(encoded.accounting().skipped(2).name(), "memory");
  ASSERT_EQ(encoded.refused_logins_size(), 2);
  EXPECT_EQ(encoded.refused_logins(1).name(), "issuer");
  EXPECT_EQ(encoded.refused_logins(1).count(), status.refused_logins[1].second);
}

}  // namespace
}  // namespace halley::push
