#include "config/table.h"

#include <set>
#include <string>

#include "config/value.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

// A row names exactly one place in Options, and the kind that goes with it.
TEST(Table, EveryRowIsComplete) {
  for (const OptionSpec& spec : OptionTable()) {
    SCOPED_TRACE(spec.Key());
    const int places = (spec.number != nullptr) + (spec.text != nullptr) + (spec.choose != nullptr);
    EXPECT_EQ(places, 1);
    EXPECT_EQ(spec.choose != nullptr, spec.chosen != nullptr);
    EXPECT_EQ(spec.kind == Kind::kChoice, !spec.choices.empty());
    EXPECT_FALSE(spec.help.empty());
    if (spec.number != nullptr) {
      EXPECT_LT(spec.min, spec.max);
    }
  }
}

TEST(Table, NoTwoRowsShareANameOrAPlace) {
  std::set<std::string> flags;
  for (const std::string& flag : AllFlags()) {
    EXPECT_TRUE(flags.insert(flag).second) << flag;
    EXPECT_EQ(flag.substr(0, 2), "--");
  }
  Options options;
  std::set<const void*> places;
  for (const OptionSpec& spec : OptionTable()) {
    const void* place = spec.number != nullptr ? static_cast<const void*>(&spec.number(options))
                        : spec.text != nullptr ? static_cast<const void*>(&spec.text(options))
                                               : reinterpret_cast<const void*>(spec.choose);
    EXPECT_TRUE(places.insert(place).second) << spec.Key();
  }
}

// How many fields an aggregate has: as many as it can be initialized with.
struct Anything {
  template <typename T>
  operator T() const;  // never called
};
template <typename T, typename... Fields>
constexpr size_t FieldsCount() {
  if constexpr (requires { T{Fields()..., Anything()}; }) {
    return FieldsCount<T, Fields..., Anything>();
  } else {
    return sizeof...(Fields);
  }
}

size_t RowsCount(absl::string_view section) {
  size_t count = 0;
  for (const OptionSpec& spec : OptionTable()) count += spec.section == section;
  return count;
}

// With NoTwoRowsShareANameOrAPlace: each field has its row.
TEST(Table, NamesEveryFieldOfOptions) {
  EXPECT_EQ(RowsCount("listen"), FieldsCount<ListenOptions>());
  EXPECT_EQ(RowsCount("shard"), FieldsCount<ShardOptions>());
  EXPECT_EQ(RowsCount("io"), FieldsCount<IoOptions>());
  EXPECT_EQ(RowsCount("client"), FieldsCount<ClientOptions>());
  EXPECT_EQ(RowsCount("backend"), FieldsCount<BackendOptions>());
  EXPECT_EQ(RowsCount("jwt"), FieldsCount<JwtOptions>());
  EXPECT_EQ(RowsCount("http_backend"), FieldsCount<HttpBackendOptions>());
  EXPECT_EQ(RowsCount("goim"), FieldsCount<GoimOptions>());
  EXPECT_EQ(RowsCount("room"), FieldsCount<RoomOptions>());
  EXPECT_EQ(RowsCount("push"), FieldsCount<PushOptions>());
  EXPECT_EQ(RowsCount("comet_grpc"), FieldsCount<CometGrpcOptions>());
  EXPECT_EQ(RowsCount("admin"), FieldsCount<AdminOptions>());
  EXPECT_EQ(RowsCount("gateway") + 1, FieldsCount<GatewayOptions>());  // check_config
  EXPECT_EQ(Sections().size() + 1, FieldsCount<Options>());  // room_types
}

TEST(Table, SectionsAreNotInterleaved) {
  const auto sections = Sections();
  EXPECT_EQ(std::set<std::string>(sections.begin(), sections.end()).size(), sections.size());
}

TEST(Table, FindsByKeyAndByEitherFlag) {
  for (const OptionSpec& spec : OptionTable()) {
    EXPECT_EQ(FindKey(spec.section, spec.name), &spec);
    EXPECT_EQ(FindFlag(spec.Flag()), &spec);
    if (!spec.short_flag.empty()) {
      EXPECT_EQ(FindFlag(spec.short_flag), &spec);
    }
  }
  EXPECT_EQ(FindKey("listen", ""), nullptr);
  EXPECT_EQ(FindKey("", "tcp"), nullptr);
  EXPECT_EQ(FindFlag(""), nullptr);
  EXPECT_EQ(FindFlag("--"), nullptr);
  EXPECT_TRUE(IsSection("listen"));
  EXPECT_FALSE(IsSection(""));
}

TEST(Table, DefaultsAreInRange) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.kind == Kind::kSecret) continue;
    Options options;
    EXPECT_TRUE(SetFromText(spec, RenderValue(spec, Options()), &options).ok()) << spec.Key();
  }
}

}  // namespace
}  // namespace halley::config
