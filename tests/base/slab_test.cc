#include "base/slab.h"

#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"

namespace halley::base {
namespace {

struct Thing {
  explicit Thing(int v) : value(v) {}
  int value;
};

TEST(Slab, ObjectsAreFoundByIndexAndGeneration) {
  Slab<Thing> slab;
  Thing* thing = slab.New(42);
  ASSERT_NE(thing, nullptr);
  const uint32_t index = slab.IndexOf(*thing);
  const uint32_t generation = slab.GenerationOf(*thing);
  EXPECT_NE(generation, 0u);
  EXPECT_EQ(&slab.Get(index), thing);
  EXPECT_EQ(slab.Find(index, generation), thing);
  EXPECT_EQ(slab.Find(index, generation + 1), nullptr);
  EXPECT_EQ(slab.Find(index + 1, generation), nullptr);
  EXPECT_EQ(slab.Find(~uint32_t{0}, generation), nullptr);
  EXPECT_EQ(slab.Find(0, 0), nullptr);
}

TEST(Slab, AFreedObjectIsNotFoundAndItsSuccessorIsAnotherOne) {
  Slab<Thing> slab;
  Thing* first = slab.New(1);
  const uint32_t index = slab.IndexOf(*first);
  const uint32_t generation = slab.GenerationOf(*first);
  slab.Free(index);
  EXPECT_EQ(slab.Find(index, generation), nullptr);
  EXPECT_EQ(slab.Find(index, generation + 1), nullptr);
  slab.Recycle();
  Thing* second = slab.New(2);
  EXPECT_EQ(slab.IndexOf(*second), index);
  EXPECT_EQ(slab.GenerationOf(*second), generation + 1);
  EXPECT_EQ(slab.Find(index, generation), nullptr);
}

TEST(Slab, NothingFreedIsGivenOutBeforeRecycle) {
  Slab<Thing> slab;
  const uint32_t index = slab.IndexOf(*slab.New(1));
  slab.Free(index);
  EXPECT_NE(slab.IndexOf(*slab.New(2)), index);
  slab.Recycle();
  EXPECT_EQ(slab.IndexOf(*slab.New(3)), index);
}

TEST(Slab, TheLastFreedIsTheFirstReused) {
  Slab<Thing> slab;
  for (int i = 0; i < 4; ++i) ASSERT_NE(slab.New(i), nullptr);
  slab.Free(0);
  slab.Free(2);
  slab.Recycle();
  slab.Free(1);
  slab.Free(3);
  slab.Recycle();
  for (const uint32_t expected : {3u, 1u, 2u, 0u, 4u}) {
    EXPECT_EQ(slab.IndexOf(*slab.New(0)), expected);
  }
}

TEST(Slab, GenerationsWrapAroundZero) {
  Slab<Thing> slab(1);
  ASSERT_NE(slab.New(0), nullptr);
  for (uint32_t i = 1; i < Slab<Thing>::kGenerationMask; ++i) {
    slab.Free(0);
    slab.Recycle();
    ASSERT_NE(slab.New(0), nullptr);
  }
  EXPECT_EQ(slab.GenerationOf(slab.Get(0)), Slab<Thing>::kGenerationMask);
  slab.Free(0);
  slab.Recycle();
  EXPECT_EQ(slab.GenerationOf(*slab.New(0)), 1u);
}

TEST(Slab, AddressesStayWhileItGrows) {
  Slab<Thing> slab;
  std::vector<Thing*> things;
  for (int i = 0; i < 5000; ++i) things.push_back(slab.New(i));
  for (uint32_t i = 0; i < things.size(); ++i) {
    EXPECT_EQ(&slab.Get(i), things[i]);
    EXPECT_EQ(things[i]->value, static_cast<int>(i));
  }
}

TEST(Slab, FullIsAnAnswer) {
  Slab<Thing> slab(3);
  for (int i = 0; i < 3; ++i) EXPECT_NE(slab.New(i), nullptr);
  EXPECT_EQ(slab.New(3), nullptr);
  slab.Free(1);
  EXPECT_EQ(slab.New(3), nullptr) << "not before Recycle()";
  slab.Recycle();
  EXPECT_NE(slab.New(3), nullptr);
  EXPECT_EQ(slab.New(4), nullptr);
}

TEST(Slab, OwnsObjectsFromNewToFree) {
  const auto witness = std::make_shared<int>(0);
  {
    Slab<std::shared_ptr<int>> slab;
    for (int i = 0; i < 600; ++i) ASSERT_NE(slab.New(witness), nullptr);
    EXPECT_EQ(witness.use_count(), 601);
    slab.Free(5);
    EXPECT_EQ(witness.use_count(), 600);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Slab, ForEachVisitsTheLivingEvenWhileTheyAreFreed) {
  Slab<Thing> slab;
  for (int i = 0; i < 1000; ++i) ASSERT_NE(slab.New(i), nullptr);
  slab.Free(11);
  slab.Free(999);
  size_t visits = 0;
  slab.ForEach([&](uint32_t index, Thing& thing) {
    EXPECT_EQ(thing.value, static_cast<int>(index));
    EXPECT_NE(index, 11u);
    EXPECT_NE(index % 3, 1u) << "freed by its predecessor";
    ++visits;
    if (index % 3 == 0 && index + 1 < 999) slab.Free(index + 1);
    slab.Free(index);
  });
  EXPECT_EQ(slab.size(), 0u);
  EXPECT_GT(visits, 600u);
}

TEST(SlabDeathTest, MisuseIsAsserted) {
  Slab<Thing> slab;
  ASSERT_NE(slab.New(1), nullptr);
  slab.Free(0);
  EXPECT_DEATH(slab.Free(0), "assertion failed");
  EXPECT_DEATH(slab.Get(0), "assertion failed");
  EXPECT_DEATH(slab.Get(1), "assertion failed");
  EXPECT_DEATH(Slab<Thing>(0), "assertion failed");
  EXPECT_DEATH(Slab<Thing>(Slab<Thing>::kCapacityMax + 1), "assertion failed");
}

// A million names in and out; every name ever given either finds its object or nothing.
TEST(Slab, NamesNeverFindAnotherObject) {
  std::mt19937 random(20261120);
  Slab<Thing> slab;
  struct Name {
    uint32_t index;
    uint32_t generation;
  };
  std::vector<Name> names;  // by value of the object
  std::vector<bool> alive;
  size_t living = 0;
  for (int step = 0; step < 200'000; ++step) {
    if (random() % 16 == 0) slab.Recycle();
    if (living < 200 || random() % 2 == 0) {
      Thing* thing = slab.New(static_cast<int>(names.size()));
      names.push_back({slab.IndexOf(*thing), slab.GenerationOf(*thing)});
      alive.push_back(true);
      ++living;
    }
    const size_t any = names.size() - 1 - random() % std::min<size_t>(names.size(), 1000);
    Thing* found = slab.Find(names[any].index, names[any].generation);
    ASSERT_EQ(found != nullptr, alive[any]);
    if (found == nullptr) continue;
    ASSERT_EQ(found->value, static_cast<int>(any));
    slab.Free(names[any].index);
    alive[any] = false;
    --living;
  }
  EXPECT_EQ(slab.size(), living);
}

}  // namespace
}  // namespace halley::base
