// Whole runs of halley-load against a server that does one thing wrong: each fault must be found,
// under its own name, and a server without fault must be found good.
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "halley-load/run.h"
#include "halley-load/faulty_server.h"

namespace halley::load {
namespace {

constexpr uint32_t kClients = 6;
constexpr uint32_t kPushes = 20;
// For runs in which something is waited for that does not come; others end when all has come.
constexpr uint32_t kShortDrainMs = 1000;

LoadOptions OptionsFor(const FaultyServer& server) {
  LoadOptions options;
  options.transport = Transport::kTcp;
  options.clients_address = server.clients_address();
  options.bare_address = server.control_address();
  options.clients = kClients;
  options.mids = kClients;
  options.accepts = {1000};
  options.to = To::kAll;
  options.rate = 2000;
  options.count = kPushes;
  options.settle_ms = 0;
  options.threads = 2;
  options.heartbeat_s = 1;
  options.quiet = true;
  return options;
}

std::string Told(const LoadOptions& options, const RunReport& report) {
  return absl::StrJoin(Judge(options, report), "; ");
}

struct Outcome {
  RunReport report;
  size_t failures = 0;
};

Outcome RunAgainst(Fault fault) {
  const FaultyServer server(fault);
  LoadOptions options = OptionsFor(server);
  if (fault == Fault::kDropLast) options.drain_ms = kShortDrainMs;
  absl::StatusOr<RunReport> report = RunLoad(options);
  EXPECT_TRUE(report.ok()) << report.status();
  if (!report.ok()) return {};
  const size_t failures = Judge(options, *report).size();
  return {*std::move(report), failures};
}

TEST(LoadRun, AServerWithoutFaultIsGood) {
  const Outcome outcome = RunAgainst(Fault::kNone);
  EXPECT_EQ(outcome.failures, 0u);
  EXPECT_EQ(outcome.report.Expected(), kClients * kPushes);
  EXPECT_EQ(outcome.report.Received(), kClients * kPushes);
  EXPECT_EQ(outcome.report.measured, kClients * kPushes);
  EXPECT_EQ(outcome.report.latency_ns.count(), kClients * kPushes);
  EXPECT_EQ(outcome.report.taken, kClients * kPushes);
}

TEST(LoadRun, OneLostMessageIsFound) {
  const Outcome outcome = RunAgainst(Fault::kDrop);
  EXPECT_EQ(outcome.report.healthy.lost, 1u);
  EXPECT_EQ(outcome.report.Received(), kClients * kPushes - 1);
  EXPECT_EQ(outcome.report.Expected(), kClients * kPushes);
  EXPECT_EQ(outcome.failures, 1u);
}

TEST(LoadRun, ALostEndIsFound) {
  const Outcome outcome = RunAgainst(Fault::kDropLast);
  EXPECT_EQ(outcome.report.healthy.lost, kPushes - 4);
  EXPECT_EQ(outcome.failures, 1u);
}

TEST(LoadRun, ADuplicateIsFound) {
  const Outcome outcome = RunAgainst(Fault::kDuplicate);
  EXPECT_EQ(outcome.report.healthy.duplicates, 1u);
  EXPECT_EQ(outcome.report.Received(), kClients * kPushes);
  EXPECT_EQ(outcome.failures, 1u);
}

TEST(LoadRun, AReorderIsFound) {
  const Outcome outcome = RunAgainst(Fault::kDelay);
  EXPECT_EQ(outcome.report.healthy.reordered, 1u);
  EXPECT_EQ(outcome.report.healthy.lost, 0u);
  EXPECT_EQ(outcome.failures, 1u);
}

TEST(LoadRun, ForeignMessagesAreFound) {
  for (const Fault fault : {Fault::kForeign, Fault::kWrongTarget}) {
    const Outcome outcome = RunAgainst(fault);
    EXPECT_EQ(outcome.report.foreign, 1u);
    EXPECT_EQ(outcome.failures, 1u);
  }
}

TEST(LoadRun, ACorruptBodyIsForeignAndLost) {
  const Outcome outcome = RunAgainst(Fault::kCorrupt);
  EXPECT_EQ(outcome.report.foreign, 1u);
  EXPECT_EQ(outcome.report.healthy.lost, 1u);
  EXPECT_EQ(outcome.failures, 2u);
}

TEST(LoadRun, BrokenFramingIsFound) {
  const Outcome outcome = RunAgainst(Fault::kBreakFraming);
  EXPECT_EQ(outcome.report.bad_bytes, 1u);
  EXPECT_EQ(outcome.report.disconnected, 1u);
  EXPECT_GT(outcome.report.healthy.lost, 0u);
}

TEST(LoadRun, ADisconnectIsFound) {
  const Outcome outcome = RunAgainst(Fault::kDisconnect);
  EXPECT_EQ(outcome.report.disconnected, 1u);
  EXPECT_GT(outcome.failures, 0u);
}

TEST(LoadRun, AnAnswerThatOverstatesIsFound) {
  const Outcome outcome = RunAgainst(Fault::kOverstate);
  EXPECT_EQ(outcome.report.taken, kClients * kPushes + 1);
  EXPECT_EQ(outcome.failures, 1u);
}

// Two pushers: the victim sees them interleaved otherwise than the others, which no numbering of
// either pusher shows.
TEST(LoadRun, AnotherOrderThanTheRestOfTheRoomIsFound) {
  const FaultyServer server(Fault::kDelay);
  LoadOptions options = OptionsFor(server);
  options.pushers = 2;
  options.to = To::kRoom;
  options.rooms = 1;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->healthy.lost, 0u);
  // When both of the two exchanged messages are of one pusher it is a reorder as well.
  EXPECT_GT(report->order_differs, 0u);
  EXPECT_LE(report->healthy.reordered, 1u);
}

TEST(LoadRun, AWindowLetsTheNextPushWaitForTheLastDelivery) {
  const FaultyServer server(Fault::kNone);
  LoadOptions options = OptionsFor(server);
  options.rate = 0;
  options.window = 1;
  options.warmup = 3;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Told(options, *report), "");
  EXPECT_EQ(report->pushed, kPushes + 3);
  EXPECT_EQ(report->measured, kClients * kPushes) << "without the warm-up";
}

TEST(LoadRun, MessagesThatArriveInPartsAreWhole) {
  const FaultyServer server(Fault::kNone);
  LoadOptions options = OptionsFor(server);
  options.size = 20'000;
  options.receive_buffer = 4096;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Told(options, *report), "");
  EXPECT_EQ(report->Received(), kClients * kPushes);
}

TEST(LoadRun, AWindowThatDoesNotMoveEndsTheRun) {
  const FaultyServer server(Fault::kDrop);
  LoadOptions options = OptionsFor(server);
  options.drain_ms = kShortDrainMs;
  options.rate = 0;
  options.window = 1;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->stuck);
  EXPECT_EQ(report->healthy.lost, 1u);
  EXPECT_EQ(report->pushed, 5u);
}

TEST(LoadRun, ClientsThatComeAndGoMissNothingWhileTheyAreThere) {
  const FaultyServer server(Fault::kNone);
  LoadOptions options = OptionsFor(server);
  options.churn = 400;
  options.rate = 1000;
  options.count = 300;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Told(options, *report), "");
  EXPECT_GT(report->reconnects, 20u);
  EXPECT_EQ(report->healthy.lost, 0u);
  EXPECT_LE(report->Received(), kClients * options.count);
}

TEST(LoadRun, StalledClientsReadInTheEnd) {
  const FaultyServer server(Fault::kNone);
  LoadOptions options = OptionsFor(server);
  options.stalled = 50;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->stalled_clients, 0u);
  EXPECT_EQ(report->stalled.received, uint64_t{report->stalled_clients} * kPushes);
  EXPECT_EQ(report->Expected(), kClients * kPushes);
  EXPECT_EQ(Told(options, *report), "");
}

TEST(LoadRun, WhatIsWaitedForIsMeasured) {
  const FaultyServer server(Fault::kNone);
  LoadOptions options = OptionsFor(server);
  options.hold_s = 1;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Told(options, *report), "");
  EXPECT_EQ(report->login_latency_ns.count(), kClients);
  EXPECT_GT(report->heartbeats, 0u);
  EXPECT_GT(report->heartbeat_latency_ns.count(), 0u);
  EXPECT_GE(report->hold_ns, 1'000'000'000u);
  EXPECT_GT(report->load_ns, 0u);
  EXPECT_GE(report->reads, uint64_t{kClients});
}

LoadOptions RoomChanges(const FaultyServer& server) {
  LoadOptions options = OptionsFor(server);
  options.bare_address.clear();
  options.rooms = 3;
  options.room_changes = 4;
  options.hold_s = 1;
  return options;
}

TEST(LoadRun, RoomChangesAreCounted) {
  const FaultyServer server(Fault::kNone);
  const LoadOptions options = RoomChanges(server);
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Told(options, *report), "");
  EXPECT_GT(report->room_changes, 2 * uint64_t{kClients});
}

TEST(LoadRun, ARoomChangeWithoutAnswerIsFound) {
  const FaultyServer server(Fault::kIgnoreRoomChange);
  LoadOptions options = RoomChanges(server);
  options.drain_ms = kShortDrainMs;
  const absl::StatusOr<RunReport> report = RunLoad(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Told(options, *report), "1 room changes were not answered");
}

TEST(LoadRun, NobodyThereIsUnavailable) {
  LoadOptions options;
  {
    const FaultyServer gone(Fault::kNone);
    options = OptionsFor(gone);
  }
  EXPECT_TRUE(absl::IsUnavailable(RunLoad(options).status())) << "no control port";
  options.bare_address.clear();
  EXPECT_TRUE(absl::IsUnavailable(RunLoad(options).status())) << "no clients' port";
}

TEST(LoadRun, LoginsThatAreRefusedOrNotAnsweredAreUnavailable) {
  for (const Fault fault : {Fault::kRefuseLogins, Fault::kIgnoreLogins}) {
    const FaultyServer server(fault);
    LoadOptions options = OptionsFor(server);
    options.connect_timeout_ms = 200;
    EXPECT_TRUE(absl::IsUnavailable(RunLoad(options).status()));
  }
}

TEST(LoadRun, SourcesOfAnotherFamilyAndBadAddressesAreRefused) {
  const FaultyServer server(Fault::kNone);
  LoadOptions options = OptionsFor(server);
  options.sources = "::1";
  EXPECT_TRUE(absl::IsInvalidArgument(RunLoad(options).status()));
  options.clients_address = "127.0.0.1";
  EXPECT_TRUE(absl::IsInvalidArgument(RunLoad(options).status()));
}

}  // namespace
}  // namespace halley::load
