#include "halleyctl/halleyctl.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/fake_node.h"
#include "halleyctl/raw_server.h"

namespace halley::ctl {
namespace {

namespace v1 = push::v1;
using client::testing::FakeConnection;
using client::testing::FakeNode;
using client::testing::TakenReply;
using testing::GoimFrameOf;
using testing::RawConnection;
using testing::RawServer;
using testing::WsFrameOf;

struct Result {
  ExitCode code;
  std::string out;
  std::string err;
};

Result RunWords(const std::vector<std::string>& words, const std::string& input = "") {
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const ExitCode code = Run(pointers, in, out, err);
  return {code, out.str(), err.str()};
}

// Runs against a node that answers the one request with `reply`, whose id it fills in. The request
// goes to `*request`.
Result RunOn(v1::Reply reply, std::vector<std::string> words, v1::Request* request = nullptr,
             const std::string& input = "") {
  FakeNode node([&](FakeConnection& connection, int) {
    connection.Hello();
    const std::optional<v1::Request> received = connection.Receive();
    if (!received) return;
    if (request != nullptr) *request = *received;
    reply.set_id(received->id());
    connection.Send(reply);
    connection.Receive();
  });
  words.insert(words.end(), {"--push", node.address(), "--timeout", "60"});
  return RunWords(words, input);
}

v1::Reply Refuse(v1::Reply reply, uint32_t index, v1::Refusal why) {
  v1::Refused* refused = reply.mutable_push()->add_refused();
  refused->set_index(index);
  refused->set_why(why);
  return reply;
}

class TempFile {
 public:
  explicit TempFile(const std::string& content) {
    path_ = ::testing::TempDir() + "halleyctl_test_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TempFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Halleyctl, PushesTextToKeys) {
  v1::Request request;
  const Result result = RunOn(TakenReply(0, 2), {"push", "key", "ann", "bob", "hi"}, &request);
  EXPECT_EQ(result.code, ExitCode::kOk) << result.err;
  EXPECT_EQ(result.out, "taken by 2 connections\n");
  EXPECT_EQ(request.push_keys().ShortDebugString(),
            R"(keys: "ann" keys: "bob" message { op: 1000 body: "hi" })");
}

TEST(Halleyctl, PushesAFileAndStandardInputAsTheyAre) {
  const std::string bytes("\0\xff\r\n bytes", 10);
  const TempFile file(bytes);
  v1::Request request;
  EXPECT_EQ(RunOn(TakenReply(0, 1), {"push", "room", "r", "--file", file.path()}, &request).code,
            ExitCode::kOk);
  EXPECT_EQ(request.push_rooms().message().body(), bytes);
  EXPECT_EQ(request.push_rooms().rooms(0), "r");
  EXPECT_EQ(RunOn(TakenReply(0, 1), {"push", "all", "-", "--pace", "9", "--op", "7", "--batch"},
                  &request, bytes).code,
            ExitCode::kOk);
  EXPECT_EQ(request.push_all().message().body(), bytes);
  EXPECT_EQ(request.push_all().pace(), 9u);
  EXPECT_EQ(request.push_all().message().op(), 7);
  EXPECT_TRUE(request.push_all().message().batch());
}

TEST(Halleyctl, WaitsForDeliveries) {
  v1::Reply reply = TakenReply(0, 3);
  v1::Deliveries* deliveries = reply.mutable_push()->mutable_deliveries();
  deliveries->set_delivered(3);
  const std::vector<std::string> words = {"push", "key", "ann", "hi", "--confirm", "1500ms"};
  v1::Request request;
  const Result all = RunOn(reply, words, &request);
  EXPECT_EQ(all.code, ExitCode::kOk);
  EXPECT_EQ(all.out, "taken by 3 connections\ndelivered to 3, skipped by 0, pending for 0\n");
  EXPECT_EQ(request.push_keys().message().confirm_ms(), 1500u);
  deliveries->set_delivered(1);
  deliveries->set_skipped(1);
  deliveries->set_pending(1);
  std::vector<std::string> as_json = words;
  as_json.push_back("--json");
  const Result some = RunOn(reply, as_json);
  EXPECT_EQ(some.code, ExitCode::kPartial);
  EXPECT_EQ(some.out, R"({"taken":3,"refused":[],)"
                      R"("deliveries":{"delivered":1,"skipped":1,"pending":1}})" "\n");
}

TEST(Halleyctl, TellsWhoWasNotReached) {
  v1::Reply reply = Refuse(TakenReply(0, 1), 0, v1::REFUSAL_OFFLINE);
  reply = Refuse(reply, 1, v1::REFUSAL_NOT_WATCHING);
  reply = Refuse(reply, 2, v1::REFUSAL_QUEUE_FULL);
  const std::vector<std::string> words = {"push", "mid", "4", "5", "6", "7", "hi", "--op", "33"};
  const Result text = RunOn(reply, words);
  EXPECT_EQ(text.code, ExitCode::kPartial);
  EXPECT_EQ(text.out,
            "taken by 1 connection\n4: offline\n5: here, but not watching op 33\n"
            "6: reads too slowly, its queue is full\n");
  std::vector<std::string> as_json = words;
  as_json.push_back("--json");
  EXPECT_EQ(RunOn(reply, as_json).out,
            R"({"taken":1,"refused":[{"target":"4","why":"offline"},)"
            R"({"target":"5","why":"not_watching"},{"target":"6","why":"queue_full"}]})" "\n");
}

TEST(Halleyctl, ShowsTheNumbersThatRoomsGave) {
  v1::Reply reply = TakenReply(0, 3);
  reply.mutable_push()->add_sequence(41);
  reply.mutable_push()->add_sequence(7);
  EXPECT_EQ(RunOn(reply, {"push", "room", "a", "b", "hi", "--json"}).out,
            R"({"taken":3,"refused":[],"rooms":[{"room":"a","sequence":41},)"
            R"({"room":"b","sequence":7}]})" "\n");
}

TEST(Halleyctl, EndsWithOneWhenNobodyTookIt) {
  EXPECT_EQ(RunOn(TakenReply(0, 0), {"push", "all", "hi"}).code, ExitCode::kPartial);
}

TEST(Halleyctl, Kicks) {
  v1::Request request;
  const Result result = RunOn(TakenReply(0, 1), {"kick", "key", "ann"}, &request);
  EXPECT_EQ(result.code, ExitCode::kOk);
  EXPECT_EQ(result.out, "closed 1 connection\n");
  EXPECT_EQ(request.kick_keys().keys(0), "ann");
  RunOn(TakenReply(0, 1), {"kick", "mid", "5"}, &request);
  EXPECT_EQ(request.kick_mids().mids(0), 5);
}

TEST(Halleyctl, ListsRooms) {
  v1::Reply reply;
  v1::RoomCount* room = reply.mutable_rooms()->add_rooms();
  room->set_room("live://1\x1b[2J");
  room->set_members(12);
  reply.mutable_rooms()->set_total(3);
  v1::Request request;
  const Result text = RunOn(reply, {"rooms", "live", "--limit", "1"}, &request);
  EXPECT_EQ(text.code, ExitCode::kOk);
  EXPECT_EQ(text.out,
            "members  room\n     12  live://1\\x1b[2J\n"
            "1 of 3 rooms: narrow the prefix or raise --limit\n");
  EXPECT_EQ(request.rooms().ShortDebugString(), R"(prefix: "live" limit: 1)");
  EXPECT_EQ(RunOn(reply, {"rooms", "--json"}).out,
            R"({"total":3,"rooms":[{"room":"live://1\u001b[2J","members":12}]})" "\n");
}

TEST(Halleyctl, TellsWhoIsOnline) {
  v1::Reply reply;
  reply.mutable_online()->add_online(1);
  const Result text = RunOn(reply, {"online", "ann", "bob"});
  EXPECT_EQ(text.code, ExitCode::kPartial);
  EXPECT_EQ(text.out, "ann: offline\nbob: online\n");
  EXPECT_EQ(RunOn(reply, {"online", "ann", "bob", "--json"}).out,
            R"({"keys":[{"key":"ann","online":false},{"key":"bob","online":true}]})" "\n");
  reply.mutable_online()->add_online(0);
  EXPECT_EQ(RunOn(reply, {"online", "ann", "bob"}).code, ExitCode::kOk);
}

TEST(Halleyctl, BeginsEndsAndListsTraces) {
  v1::Reply reply;
  v1::Trace* const key = reply.mutable_trace()->add_traces();
  key->mutable_target()->set_key("ann\x1b");
  key->set_seconds_left(60);
  reply.mutable_trace()->add_traces()->mutable_target()->set_mid(7);
  v1::Request request;
  EXPECT_EQ(RunOn(reply, {"trace", "key", "ann\x1b", "--seconds", "60"}, &request).out,
            "key ann\\x1b: 60 s left\nmid 7: 0 s left\n");
  EXPECT_EQ(request.trace_begin().target().key(), "ann\x1b");
  EXPECT_EQ(request.trace_begin().seconds(), 60u);
  EXPECT_EQ(RunOn(reply, {"trace", "list", "--json"}, &request).out,
            R"({"traces":[{"key":"ann\u001b","seconds_left":60},{"mid":7,"seconds_left":0}]})" "\n");
  EXPECT_TRUE(request.has_traces());
  reply.mutable_trace()->clear_traces();
  EXPECT_EQ(RunOn(reply, {"trace", "off", "ip", "10.0.0.1"}, &request).out, "no trace is on\n");
  EXPECT_EQ(request.trace_end().target().ip(), "10.0.0.1");
  reply.mutable_trace()->set_error("there are too many: end one");
  const Result refused = RunOn(reply, {"trace", "mid", "7"});
  EXPECT_EQ(refused.code, ExitCode::kRefused);
  EXPECT_EQ(refused.err, "halleyctl: there are too many: end one\n");
}

TEST(Halleyctl, ShowsStatus) {
  v1::Reply reply;
  reply.mutable_status()->add_shards()->set_connections(77);
  EXPECT_NE(RunOn(reply, {"status"}).out.find("77 connected"), std::string::npos);
  EXPECT_NE(RunOn(reply, {"status", "--json"}).out.find(R"("connections":77)"), std::string::npos);
}

TEST(Halleyctl, ShowsTheSecretOfItsFile) {
  const TempFile file("s3cret \n");
  std::string shown;
  {
    FakeNode node([&](FakeConnection& connection, int) {
      shown = connection.Hello().value_or("");
      connection.AnswerAll(1);
    });
    EXPECT_EQ(RunWords({"push", "all", "x", "--push", node.address(), "--secret-file",
                        file.path()}).code,
              ExitCode::kOk);
  }
  EXPECT_EQ(shown, "s3cret ");
}

TEST(Halleyctl, NamesEveryWayToFail) {
  const Result usage = RunWords({"push", "key"});
  EXPECT_EQ(usage.code, ExitCode::kUsage);
  EXPECT_EQ(usage.err, "halleyctl: there is no target and no message; see halleyctl --help\n");
  EXPECT_EQ(usage.out, "");

  EXPECT_EQ(RunWords({"status", "--push", "nowhere"}).code, ExitCode::kUsage);
  EXPECT_EQ(RunWords({"status", "--secret-file", "/nonexistent"}).code, ExitCode::kUsage);
  const TempFile empty("\n");
  EXPECT_EQ(RunWords({"status", "--secret-file", empty.path()}).code, ExitCode::kUsage);
  EXPECT_EQ(RunWords({"push", "all", "--file", "/nonexistent"}).code, ExitCode::kUsage);

  std::string address;
  {
    FakeNode node([](FakeConnection& connection, int) {
      connection.Receive();
      connection.Receive();
    });
    address = node.address();
    EXPECT_EQ(RunWords({"status", "--push", address, "--timeout", "30ms"}).code,
              ExitCode::kTimeout);
  }
  const Result gone = RunWords({"status", "--push", address});
  EXPECT_EQ(gone.code, ExitCode::kCannotConnect);
  EXPECT_NE(gone.err.find("Connection refused"), std::string::npos) << gone.err;

  v1::Reply refusal;
  refusal.set_code(v1::CODE_INVALID_ARGUMENT);
  refusal.set_error("too big");
  const Result refused = RunOn(refusal, {"push", "all", "x"});
  EXPECT_EQ(refused.code, ExitCode::kRefused);
  EXPECT_EQ(refused.err, "halleyctl: too big\n");

  FakeNode node([](FakeConnection& connection, int) {
    v1::Reply reply;
    const auto request = connection.Receive();
    reply.set_id(request ? request->id() : 0);
    reply.set_code(v1::CODE_UNAUTHENTICATED);
    connection.Send(reply);
  });
  EXPECT_EQ(RunWords({"status", "--push", node.address()}).code, ExitCode::kRefused);
}

TEST(Halleyctl, HelpsAndSaysItsVersion) {
  EXPECT_NE(RunWords({"--help"}).out.find("Exit codes"), std::string::npos);
  EXPECT_EQ(RunWords({"--version"}).out.rfind("halleyctl ", 0), 0u);
  EXPECT_EQ(RunWords({"--help"}).code, ExitCode::kOk);
}

// A TCP node that takes any login, and then sends what `script` sends.
std::function<void(RawConnection&)> AfterLogin(std::string* login,
                                               std::function<void(RawConnection&)> script) {
  return [login, script = std::move(script)](RawConnection& connection) {
    *login = connection.ReadFrame();
    connection.Write(GoimFrameOf(8, 1, ""));
    script(connection);
  };
}

TEST(HalleyctlListen, LogsInAndPrintsWhatArrives) {
  std::string login;
  RawServer server(AfterLogin(&login, [](RawConnection& connection) {
    connection.Write(GoimFrameOf(3, 1, std::string("\0\0\0\1", 4)) + GoimFrameOf(1000, 0, "hi") +
                     GoimFrameOf(1001, 0, "two\nlines"));
    connection.Read(1 << 20);
  }));
  const Result result =
      RunWords({"listen", "--tcp", server.address(), "--key", "ann\"", "--mid", "5", "--room",
                "live://1", "--accepts", "1000,1001", "--count", "2"});
  EXPECT_EQ(result.code, ExitCode::kOk) << result.err;
  EXPECT_EQ(result.out, "1000 hi\n1001 two\\nlines\n");
  EXPECT_EQ(result.err, "logged in to " + server.address() + "\n");
  EXPECT_EQ(login.substr(16),
            R"({"mid":5,"key":"ann\"","room_id":"live://1","platform":"halleyctl",)"
            R"("accepts":[1000,1001]})");
}

TEST(HalleyctlListen, PrintsJson) {
  std::string login;
  RawServer server(AfterLogin(&login, [](RawConnection& connection) {
    connection.Write(GoimFrameOf(-1, 6, "hi") + GoimFrameOf(2, 0, "\xff"));
    connection.Read(1 << 20);
  }));
  const Result result = RunWords(
      {"listen", "--tcp", server.address(), "--token", "tok", "--count", "2", "--json"});
  EXPECT_EQ(result.out,
            "{\"op\":-1,\"seq\":6,\"ver\":1,\"body\":\"hi\"}\n"
            "{\"op\":2,\"seq\":0,\"ver\":1,\"body_base64\":\"/w==\"}\n");
  EXPECT_EQ(login.substr(16), "tok");
}

TEST(HalleyctlListen, KeepsAlive) {
  std::string login;
  std::string beats;
  RawServer server(AfterLogin(&login, [&beats](RawConnection& connection) {
    for (int beat = 0; beat < 3; ++beat) {
      beats += connection.ReadFrame();
      connection.Write(GoimFrameOf(3, beat + 1, std::string(4, '\0')));
    }
    connection.Write(GoimFrameOf(1000, 0, "enough"));
    connection.Read(1 << 20);
  }));
  const Result result = RunWords(
      {"listen", "--tcp", server.address(), "--heartbeat", "5ms", "--count", "1"});
  EXPECT_EQ(result.out, "1000 enough\n");
  EXPECT_EQ(beats, GoimFrameOf(2, 1, "") + GoimFrameOf(2, 2, "") + GoimFrameOf(2, 3, ""));
}

TEST(HalleyctlListen, SaysHowTheConnectionEnded) {
  RawServer server([](RawConnection& connection) {
    connection.Upgrade();
    int opcode;
    connection.ReadWsFrame(&opcode);
    connection.Write(WsFrameOf(2, true, GoimFrameOf(8, 1, "")));
    connection.ReadWsFrame(&opcode);
    connection.Write(WsFrameOf(8, true, "\x0b\xbb"));
    connection.Read(1 << 20);
  });
  const Result kicked = RunWords({"listen", "--ws", "ws://" + server.address()});
  EXPECT_EQ(kicked.code, ExitCode::kCannotConnect);
  EXPECT_NE(kicked.err.find("3003"), std::string::npos) << kicked.err;
  EXPECT_NE(kicked.err.find("(kicked)"), std::string::npos) << kicked.err;
}

TEST(HalleyctlListen, NamesEveryWayToFail) {
  {
    RawServer server([](RawConnection& connection) { connection.ReadFrame(); });
    EXPECT_EQ(RunWords({"listen", "--tcp", server.address()}).code, ExitCode::kRefused);
  }
  {
    RawServer server([](RawConnection& connection) {
      connection.ReadUntil("\r\n\r\n");
      connection.Write("HTTP/1.1 404 Not Found\r\n\r\n");
    });
    EXPECT_EQ(RunWords({"listen", "--ws", "ws://" + server.address() + "/"}).code,
              ExitCode::kRefused);
  }
  std::string address;
  {
    RawServer server([](RawConnection& connection) { connection.Read(1 << 20); });
    address = server.address();
    EXPECT_EQ(RunWords({"listen", "--tcp", address, "--timeout", "30ms"}).code,
              ExitCode::kTimeout);
  }
  EXPECT_EQ(RunWords({"listen", "--tcp", address}).code, ExitCode::kCannotConnect);
  EXPECT_EQ(RunWords({"listen", "--tcp", "nowhere"}).code, ExitCode::kUsage);
  EXPECT_EQ(RunWords({"listen", "--ws", "http://x"}).code, ExitCode::kUsage);
}

}  // namespace
}  // namespace halley::ctl
