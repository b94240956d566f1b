#include "gateway/turn_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

namespace halley::gateway {
namespace {

TEST(TurnQueue, TurnsComeInTheOrderAskedFor) {
  constexpr size_t kThreads = 8;
  TurnQueue turns(1);
  std::vector<size_t> order;  // under the turn
  std::vector<std::thread> threads;
  turns.Enter();
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&turns, &order, i] {
      turns.Enter();
      order.push_back(i);
      turns.Leave();
    });
    while (turns.waiting() <= i) std::this_thread::yield();
  }
  EXPECT_TRUE(order.empty());
  turns.Leave();
  for (std::thread& thread : threads) thread.join();
  std::vector<size_t> asked(kThreads);
  std::iota(asked.begin(), asked.end(), 0);
  EXPECT_EQ(order, asked);
  EXPECT_EQ(turns.waiting(), 0u);
}

// Nobody is passed more than once by another: who has left waits behind those who waited.
TEST(TurnQueue, NobodyIsOvertaken) {
  constexpr size_t kThreads = 4;
  constexpr int kTurns = 2000;
  TurnQueue turns(1);
  std::vector<size_t> order;
  std::vector<std::thread> threads;
  turns.Enter();
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&turns, &order, i] {
      for (int turn = 0; turn < kTurns; ++turn) {
        turns.Enter();
        // So that the others wait again before this one does.
        while (turns.waiting() < kThreads - 1 && order.size() + kThreads < kThreads * kTurns) {
          std::this_thread::yield();
        }
        order.push_back(i);
        turns.Leave();
      }
    });
    while (turns.waiting() <= i) std::this_thread::yield();
  }
  turns.Leave();
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(order.size(), kThreads * kTurns);
  for (size_t at = 0; at + 2 * kThreads < order.size(); at += kThreads) {
    std::vector<size_t> round(order.begin() + static_cast<ptrdiff_t>(at),
                              order.begin() + static_cast<ptrdiff_t>(at + kThreads));
    std::sort(round.begin(), round.end());
    EXPECT_EQ(std::unique(round.begin(), round.end()), round.end()) << "round at " << at;
  }
}

TEST(TurnQueue, AsManyAtATimeAsThereAreCpus) {
  constexpr uint32_t kCpus = 3;
  TurnQueue turns(kCpus);
  std::atomic<uint32_t> inside{0};
  std::atomic<uint32_t> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 500; ++turn) {
        turns.Enter();
        const uint32_t now = inside.fetch_add(1) + 1;
        uint32_t seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        inside.fetch_sub(1);
        turns.Leave();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most.load(), kCpus);
  EXPECT_EQ(inside.load(), 0u);
}

}  // namespace
}  // namespace halley::gateway
