#include "halleyctl/args.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace halley::ctl {
namespace {

absl::StatusOr<Args> Parse(std::initializer_list<const char*> words) {
  return ParseArgs(std::vector<const char*>(words));
}

Args Good(std::initializer_list<const char*> words) {
  absl::StatusOr<Args> args = Parse(words);
  EXPECT_TRUE(args.ok()) << args.status();
  return args.ok() ? *args : Args();
}

std::string Bad(std::initializer_list<const char*> words) {
  const absl::StatusOr<Args> args = Parse(words);
  EXPECT_EQ(args.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(args.status().message());
}

using Names = std::vector<std::string>;

TEST(Args, TakesTheLastWordOfAPushAsItsMessage) {
  const Args args = Good({"push", "key", "ann", "bob", "hello there"});
  EXPECT_EQ(args.command, Command::kPush);
  EXPECT_EQ(args.target, Target::kKey);
  EXPECT_EQ(args.names, Names({"ann", "bob"}));
  EXPECT_EQ(args.text, "hello there");
  EXPECT_EQ(args.op, 1000);
  EXPECT_FALSE(args.batch);
}

TEST(Args, TakesMessagesFromFilesAndStandardInput) {
  const Args file = Good({"push", "room", "live://1", "live://2", "--file", "message.bin"});
  EXPECT_EQ(file.target, Target::kRoom);
  EXPECT_EQ(file.names, Names({"live://1", "live://2"}));
  EXPECT_EQ(file.file, "message.bin");
  EXPECT_FALSE(file.text.has_value());
  EXPECT_FALSE(file.from_stdin);
  const Args in = Good({"push", "room", "live://1", "-"});
  EXPECT_TRUE(in.from_stdin);
  EXPECT_FALSE(in.text.has_value());
  EXPECT_EQ(Good({"push", "key", "ann", ""}).text, "") << "an empty message is one";
}

TEST(Args, TakesTraces) {
  const Args key = Good({"trace", "key", "ann", "--seconds", "60"});
  EXPECT_EQ(key.command, Command::kTrace);
  EXPECT_EQ(key.trace, TraceAct::kBegin);
  EXPECT_EQ(key.traced.key, "ann");
  EXPECT_EQ(key.seconds, 60u);
  EXPECT_EQ(Good({"trace", "mid", "--", "-7"}).traced.mid, -7);
  EXPECT_EQ(Good({"trace", "ip", "10.0.0.1"}).traced.ip, "10.0.0.1");
  EXPECT_EQ(Good({"trace", "ip", "10.0.0.1"}).seconds, 0u);
  const Args off = Good({"trace", "off", "key", "list"});
  EXPECT_EQ(off.trace, TraceAct::kEnd);
  EXPECT_EQ(off.traced.key, "list");
  EXPECT_EQ(Good({"trace", "list"}).trace, TraceAct::kList);
  for (const auto& words : {std::initializer_list<const char*>{"trace"}, {"trace", "key"}, {"trace", "room", "r"},
                            {"trace", "off"}, {"trace", "key", "a", "b"}}) {
    EXPECT_NE(Bad(words).find("say what to trace"), std::string::npos);
  }
  Bad({"trace", "list", "key"});
  Bad({"trace", "mid", "x"});
  Bad({"trace", "off", "key", "a", "--seconds", "5"});
  Bad({"trace", "key", "a", "--seconds", "0"});
  Bad({"kick", "key", "a", "--seconds", "5"});
}

TEST(Args, TakesMids) {
  const Args args = Good({"push", "mid", "--", "5", "-9223372036854775808", "hi"});
  EXPECT_EQ(args.mids, std::vector<int64_t>({5, INT64_MIN}));
  EXPECT_TRUE(args.names.empty());
  EXPECT_NE(Bad({"push", "mid", "5x", "hi"}).find("'5x' is no mid"), std::string::npos);
  EXPECT_EQ(Good({"kick", "mid", "7"}).mids, std::vector<int64_t>({7}));
}

TEST(Args, TakesPushesToAll) {
  const Args args = Good({"push", "all", "hi", "--pace", "500", "--op=-3", "--batch"});
  EXPECT_EQ(args.target, Target::kAll);
  EXPECT_EQ(args.text, "hi");
  EXPECT_EQ(args.pace, 500u);
  EXPECT_EQ(args.op, -3);
  EXPECT_TRUE(args.batch);
}

TEST(Args, TakesOptionsAnywhereAndWordsThatLookLikeThem) {
  const Args args = Good({"--push", "node:1", "--json", "push", "--timeout=500ms", "key", "ann",
                          "--", "--op"});
  EXPECT_EQ(args.push_address, "node:1");
  EXPECT_TRUE(args.json);
  EXPECT_EQ(args.timeout, absl::Milliseconds(500));
  EXPECT_EQ(args.text, "--op");
}

TEST(Args, TakesQueries) {
  EXPECT_TRUE(Good({"rooms"}).names.empty());
  const Args rooms = Good({"rooms", "live", "--limit", "7"});
  EXPECT_EQ(rooms.names, Names({"live"}));
  EXPECT_EQ(rooms.limit, 7u);
  EXPECT_EQ(Good({"online", "a", "b"}).names, Names({"a", "b"}));
  EXPECT_EQ(Good({"status"}).command, Command::kStatus);
  EXPECT_EQ(Good({"kick", "key", "a", "b"}).names, Names({"a", "b"}));
}

TEST(Args, TakesWhatListenNeeds) {
  const Args args = Good({"listen", "--ws", "ws://h:1/sub", "--key", "k", "--mid", "-4", "--room",
                          "r", "--accepts", "1000,-1", "--count", "3", "--heartbeat", "1.5s"});
  EXPECT_EQ(args.ws, "ws://h:1/sub");
  EXPECT_EQ(args.key, "k");
  EXPECT_EQ(args.mid, -4);
  EXPECT_EQ(args.room, "r");
  EXPECT_EQ(args.accepts, std::vector<int32_t>({1000, -1}));
  EXPECT_EQ(args.count, 3u);
  EXPECT_EQ(args.heartbeat, absl::Milliseconds(1500));
  EXPECT_EQ(Good({"listen", "--tcp", "h:1", "--token", "{}"}).token, "{}");
}

TEST(Args, ShowsHelpWhateverElseIsSaid) {
  EXPECT_EQ(Good({"--help"}).command, Command::kHelp);
  EXPECT_EQ(Good({"push", "-h"}).command, Command::kHelp);
  EXPECT_EQ(Good({"help"}).command, Command::kHelp);
  EXPECT_EQ(Good({"--version"}).command, Command::kVersion);
}

TEST(Args, SaysWhatIsWrong) {
  EXPECT_NE(Bad({}).find("there is no command"), std::string::npos);
  EXPECT_NE(Bad({"shove"}).find("there is no command shove"), std::string::npos);
  EXPECT_NE(Bad({"push"}).find("say what to push to"), std::string::npos);
  EXPECT_NE(Bad({"push", "crowd", "x"}).find("say what to push to"), std::string::npos);
  EXPECT_NE(Bad({"push", "key"}).find("no target and no message"), std::string::npos);
  EXPECT_NE(Bad({"push", "key", "ann"}).find("there is no message"), std::string::npos);
  EXPECT_NE(Bad({"push", "all"}).find("there is no message"), std::string::npos);
  EXPECT_NE(Bad({"push", "all", "a", "b"}).find("what is 'a'?"), std::string::npos);
  EXPECT_NE(Bad({"push", "key", "--file", "f"}).find("name at least one key"), std::string::npos);
  EXPECT_NE(Bad({"push", "key", "a", "x", "--pace", "5"}).find("push all"), std::string::npos);
  EXPECT_NE(Bad({"kick", "room", "r"}).find("say what to kick"), std::string::npos);
  EXPECT_NE(Bad({"kick", "key"}).find("name at least one key"), std::string::npos);
  EXPECT_NE(Bad({"online"}).find("name at least one key"), std::string::npos);
  EXPECT_NE(Bad({"rooms", "a", "b"}).find("one prefix"), std::string::npos);
  EXPECT_NE(Bad({"status", "now"}).find("'now' is one word too many"), std::string::npos);
  EXPECT_NE(Bad({"status", "--opp", "5"}).find("there is no option --opp"), std::string::npos);
  EXPECT_NE(Bad({"status", "--op", "5"}).find("--op is no option of status"), std::string::npos);
  EXPECT_NE(Bad({"status", "--push"}).find("--push needs an address"), std::string::npos);
  EXPECT_NE(Bad({"status", "--json=yes"}).find("--json takes no value"), std::string::npos);
  EXPECT_NE(Bad({"status", "--timeout", "0"}).find("a time above 0"), std::string::npos);
  EXPECT_NE(Bad({"status", "--timeout", "soon"}).find("not 'soon'"), std::string::npos);
  EXPECT_NE(Bad({"push", "key", "a", "x", "--op", "2147483648"}).find("--op needs"),
            std::string::npos);
  EXPECT_NE(Bad({"listen"}).find("say where to listen"), std::string::npos);
  EXPECT_NE(Bad({"listen", "--tcp", "a:1", "--ws", "ws://a:1"}).find("not both"),
            std::string::npos);
  EXPECT_NE(Bad({"listen", "--tcp", "a:1", "--token", "{}", "--mid", "1"}).find("leave out"),
            std::string::npos);
  EXPECT_NE(Bad({"listen", "--tcp", "a:1", "--accepts", "1,x"}).find("--accepts needs"),
            std::string::npos);
  EXPECT_NE(Bad({"listen", "--tcp", "a:1", "more"}).find("'more'"), std::string::npos);
}

TEST(Args, HelpNamesEveryOptionAndExitCode) {
  const std::string help = HelpText();
  for (const char* option :
       {"--push", "--secret-file", "--timeout", "--json", "--op", "--pace", "--batch", "--file",
        "--limit", "--tcp", "--ws", "--token", "--key", "--mid", "--room", "--accepts", "--count",
        "--heartbeat"}) {
    EXPECT_NE(help.find(option), std::string::npos) << option;
  }
  for (int code = 0; code <= 5; ++code) {
    EXPECT_NE(help.find("\n  " + std::to_string(code) + "  "), std::string::npos) << code;
  }
}

}  // namespace
}  // namespace halley::ctl
