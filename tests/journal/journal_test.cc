#include "journal/journal.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "journal/temp_folder.h"

namespace halley::journal {
namespace {

class JournalTest : public testing::Test {
 protected:
  void Make(uint32_t shards = 1, size_t entries = 64) {
    JournalSetup setup;
    setup.shards = shards;
    setup.feed_entries = entries;
    setup.tell = [this](bool warning, std::string_view line) { told_.emplace_back(warning, line); };
    journal_ = std::make_unique<Journal>(std::move(setup));
  }
  void Open(const std::string& path) { EXPECT_TRUE(journal_->Open(path).ok()); }
  void End(const std::string& key, uint32_t shard = 0) {
    Ended ended;
    ended.logged_in = true;
    ended.key = key;
    journal_->feed(shard).Offer(0, std::move(ended));
  }
  // The keys in the file's lines.
  std::vector<std::string> Keys(const std::string& path) {
    std::vector<std::string> keys;
    std::stringstream content(TempFolder::Content(path));
    for (std::string line; std::getline(content, line);) {
      const size_t begin = line.find("\"key\":\"") + 7;
      keys.push_back(line.substr(begin, line.find('"', begin) - begin));
    }
    return keys;
  }
  using Texts = std::vector<std::string>;

  TempFolder folder_;
  std::vector<std::pair<bool, std::string>> told_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, WritesLinesOfAllShardsAndTellsThoseOfTraces) {
  Make(2);
  const std::string path = folder_.File("log");
  Open(path);
  End("a");
  End("b", 1);
  journal_->feed(0).Offer(0, Line("trace of key a: x"));
  journal_->WriteWhatIsThere();
  EXPECT_EQ(Keys(path), (Texts{"a", "b"}));
  EXPECT_EQ(told_, (std::vector<std::pair<bool, std::string>>{{false, "trace of key a: x"}}));
  EXPECT_EQ(journal_->figures().lines, 2u);
}

TEST_F(JournalTest, AFileThatWasRenamedIsOpenedAgain) {
  Make();
  const std::string path = folder_.File("log");
  Open(path);
  End("old");
  journal_->WriteWhatIsThere();
  ASSERT_EQ(std::rename(path.c_str(), folder_.File("log.1").c_str()), 0);
  End("between");
  journal_->WriteWhatIsThere();
  Open(path);
  // What comes once Open() has answered is in the new file.
  End("new");
  journal_->WriteWhatIsThere();
  EXPECT_EQ(Keys(folder_.File("log.1")), (Texts{"old", "between"}));
  EXPECT_EQ(Keys(path), Texts{"new"});
}

TEST_F(JournalTest, AFullDiskIsWarnedOfOnceAndItsEndTold) {
  Make();
  Open("/dev/full");
  for (int i = 0; i < 5; ++i) {
    End("lost");
    End("lost");
    journal_->WriteWhatIsThere();
  }
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(told_[0].first);
  EXPECT_NE(told_[0].second.find("'/dev/full' cannot be written (No space left on device)"), std::string::npos);
  EXPECT_EQ(journal_->figures().dropped_disk, 10u);
  EXPECT_EQ(journal_->figures().lines, 0u);
  const std::string path = folder_.File("log");
  Open(path);
  for (int i = 0; i < 2; ++i) {
    End("there");
    journal_->WriteWhatIsThere();
  }
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_FALSE(told_[1].first);
  EXPECT_NE(told_[1].second.find("is written again"), std::string::npos);
  EXPECT_EQ(journal_->figures().dropped_disk, 10u);
  EXPECT_EQ(Keys(path), (Texts{"there", "there"}));
}

TEST_F(JournalTest, AQueueThatIsFullCostsTheLinesThatFindItSo) {
  Make(2, 4);
  const std::string path = folder_.File("log");
  Open(path);
  for (int i = 0; i < 10; ++i) End("k" + std::to_string(i));
  End("other", 1);
  journal_->WriteWhatIsThere();
  EXPECT_EQ(Keys(path), (Texts{"k0", "k1", "k2", "k3", "other"}));
  EXPECT_EQ(journal_->figures().dropped_queue, 6u);
  EXPECT_EQ(journal_->figures().lines, 5u);
}

TEST_F(JournalTest, WithoutAFileLinesAreNobodysLoss) {
  Make();
  End("a");
  journal_->WriteWhatIsThere();
  EXPECT_FALSE(journal_->Open(folder_.File("no/log")).ok());
  const std::string path = folder_.File("log");
  Open(path);
  Open("");
  End("b");
  journal_->WriteWhatIsThere();
  EXPECT_EQ(Keys(path), Texts());
  const JournalFigures figures = journal_->figures();
  EXPECT_EQ(figures.lines + figures.dropped_disk + figures.dropped_queue, 0u);
  EXPECT_TRUE(told_.empty());
}

// With its own thread, and shards' beside it: each line is written or counted, whole.
TEST_F(JournalTest, LosesNothingThatItDoesNotCount) {
  constexpr int kEach = 20'000;
  Make(2, 256);
  const std::string path = folder_.File("log");
  Open(path);
  journal_->Start();
  std::vector<std::thread> shards;
  for (uint32_t shard = 0; shard < 2; ++shard) {
    shards.emplace_back([this, shard] {
      for (int i = 0; i < kEach; ++i) {
        End("k", shard);
        if (i % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  for (std::thread& each : shards) each.join();
  journal_->Stop();
  const JournalFigures figures = journal_->figures();
  EXPECT_GT(figures.lines, 0u);
  EXPECT_EQ(figures.lines + figures.dropped_queue, 2u * kEach);
  EXPECT_EQ(Keys(path), Texts(figures.lines, "k"));
}

}  // namespace
}  // namespace halley::journal
