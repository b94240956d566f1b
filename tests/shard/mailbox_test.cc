#include "shard/mailbox.h"

#include <gtest/gtest.h>

#include <thread>

namespace halley::shard {
namespace {

Command Numbered(uint64_t number) {
  Command command;
  command.kind = CommandKind::kJobReport;
  command.number = number;
  return command;
}

TEST(Port, NothingArrivesBeforeItIsPublished) {
  Fabric fabric(2);
  Port from(&fabric, 0);
  Port to(&fabric, 1);
  std::vector<uint32_t> sleepers;
  Command command;
  from.Send(1, Numbered(7));
  EXPECT_TRUE(to.InboundEmpty());
  EXPECT_FALSE(to.Receive(0, &command));
  from.Publish(&sleepers);
  EXPECT_FALSE(to.InboundEmpty());
  ASSERT_TRUE(to.Receive(0, &command));
  EXPECT_EQ(command.number, 7u);
  EXPECT_TRUE(to.InboundEmpty());
}

// Full is no reason to lose anything, nor to change the order.
TEST(Port, WhatDoesNotFitGoesOutLaterInOrder) {
  constexpr uint64_t kCommands = 3 * Fabric::kMailboxCommands + 5;
  Fabric fabric(2);
  Port from(&fabric, 0);
  Port to(&fabric, 1);
  std::vector<uint32_t> sleepers;
  for (uint64_t i = 0; i < kCommands; ++i) from.Send(1, Numbered(i));
  EXPECT_TRUE(from.HasWaiting());
  uint64_t next = 0;
  while (next < kCommands) {
    from.Publish(&sleepers);
    Command command;
    while (to.Receive(0, &command)) ASSERT_EQ(command.number, next++);
  }
  EXPECT_FALSE(from.HasWaiting());
}

TEST(Port, IsCloggedWhenAMailboxfulWaits) {
  Fabric fabric(2);
  Port from(&fabric, 0);
  Port to(&fabric, 1);
  std::vector<uint32_t> sleepers;
  uint64_t sent = 0;
  while (!from.HasWaiting()) from.Send(1, Numbered(sent++));
  for (size_t i = 1; i < Fabric::kMailboxCommands; ++i) {
    EXPECT_FALSE(from.Clogged());
    from.Send(1, Numbered(sent++));
  }
  EXPECT_TRUE(from.Clogged());
  from.Publish(&sleepers);
  Command command;
  ASSERT_TRUE(to.Receive(0, &command));
  from.Publish(&sleepers);
  EXPECT_FALSE(from.Clogged());
}

TEST(Port, NamesASleeperOnceAndOnlyWhenThereIsNews) {
  Fabric fabric(3);
  Port from(&fabric, 0);
  std::vector<uint32_t> sleepers;
  fabric.notice(1).sleeping.store(1);
  fabric.notice(2).sleeping.store(1);
  from.Publish(&sleepers);
  EXPECT_TRUE(sleepers.empty());
  from.Send(2, Numbered(1));
  from.Publish(&sleepers);
  EXPECT_EQ(sleepers, std::vector<uint32_t>{2});
  sleepers.clear();
  from.Send(2, Numbered(2));
  from.Publish(&sleepers);
  EXPECT_TRUE(sleepers.empty()) << "it has been woken already";
}

TEST(Port, AJobLivesAsLongAsSomeShardHoldsIt) {
  Fabric fabric(2);
  Port from(&fabric, 0);
  Port to(&fabric, 1);
  std::vector<uint32_t> sleepers;
  {
    base::Ref<SharedJob> job(new SharedJob);
    job->job.body = "hello";
    Command command;
    command.kind = CommandKind::kJob;
    command.job = job;
    from.Send(1, std::move(command));
  }
  from.Publish(&sleepers);
  Command command;
  ASSERT_TRUE(to.Receive(0, &command));
  EXPECT_EQ(command.job->job.body, "hello");
}

// For ThreadSanitizer: two threads, the sleep protocol of Shard::Wait() on both sides.
TEST(Port, TwoThreadsMissNothing) {
  constexpr uint64_t kCommands = 20000;
  Fabric fabric(2);
  std::thread consumer([&] {
    Port port(&fabric, 1);
    uint64_t next = 0;
    Command command;
    while (next < kCommands) {
      while (port.Receive(0, &command)) ASSERT_EQ(command.number, next++);
      fabric.notice(1).sleeping.store(1, std::memory_order_seq_cst);
      // Asleep: only the producer's wake, or what came before it looked, ends this.
      while (port.InboundEmpty() && fabric.notice(1).sleeping.load() == 1 && next < kCommands) {
        std::this_thread::yield();
      }
      fabric.notice(1).sleeping.store(0, std::memory_order_seq_cst);
    }
  });
  Port port(&fabric, 0);
  std::vector<uint32_t> sleepers;
  for (uint64_t i = 0; i < kCommands; ++i) {
    port.Send(1, Numbered(i));
    if (i % 7 != 0) continue;
    port.Publish(&sleepers);
  }
  do {
    port.Publish(&sleepers);
    std::this_thread::yield();
  } while (port.HasWaiting());
  consumer.join();
}

TEST(Fabric, SumsWhatShardsLetEachOtherKnow) {
  Fabric fabric(3);
  EXPECT_FALSE(fabric.AnyoneCongested());
  fabric.notice(0).connections.store(3);
  fabric.notice(2).connections.store(4);
  fabric.notice(1).congested.store(1);
  EXPECT_EQ(fabric.ConnectionsCount(), 7u);
  EXPECT_TRUE(fabric.AnyoneCongested());
  EXPECT_FALSE(fabric.stop_requested());
  fabric.RequestStop();
  EXPECT_TRUE(fabric.stop_requested());
}

}  // namespace
}  // namespace halley::shard
