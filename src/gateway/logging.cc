#include "gateway/logging.h"

#include <grpc/support/log.h>
#include <spdlog/async.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "gateway/log_budget.h"
#include "io/sockets.h"
#include "wire/json_writer.h"

namespace halley::gateway {
namespace {

constexpr size_t kLogQueue = 8192;
constexpr char kTime[] = "%Y-%m-%dT%H:%M:%S.%eZ";

// {"time":"...","level":"info","message":"..."}
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    spdlog::memory_buf_t time;
    time_.format(message, time);
    const auto level = spdlog::level::to_string_view(message.level);
    wire::JsonWriter json;
    json.BeginObject().Key("time").Text({time.data(), time.size()});
    json.Key("level").Text({level.data(), level.size()});
    json.Bytes("message", {message.payload.data(), message.payload.size()}).EndObject();
    out.append(json.text().data(), json.text().data() + json.text().size());
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }

 private:
  spdlog::pattern_formatter time_{kTime, spdlog::pattern_time_type::utc, ""};
};

LogBudget& BudgetOf(LogKind kind) {
  static std::array<LogBudget, static_cast<size_t>(LogKind::kCount)> budgets;
  return budgets[static_cast<size_t>(kind)];
}

void LogOfGrpc(gpr_log_func_args* message) {
  const auto level = message->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::err
                     : message->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::info
                                                                  : spdlog::level::debug;
  LogSome(LogKind::kGrpc, level, std::string("gRPC: ") + message->message);
}

}  // namespace

void BeginLogging(const config::GatewayOptions& options) {
  spdlog::init_thread_pool(kLogQueue, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::async_logger>("halley", sink, spdlog::thread_pool(),
                                                       spdlog::async_overflow_policy::overrun_oldest);
  if (options.log_format == config::LogFormat::kJson) {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_pattern(std::string(kTime) + " %l %v", spdlog::pattern_time_type::utc);
  }
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  SetLogLevel(options.log_level);
  gpr_set_log_function(LogOfGrpc);
}

void SetLogLevel(const std::string& level) {
  spdlog::set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));
}

void LogSome(LogKind kind, spdlog::level::level_enum level, const std::string& message) {
  if (!spdlog::should_log(level)) return;
  const std::optional<uint64_t> left_out = BudgetOf(kind).Take(io::MonotonicNowNs());
  if (!left_out.has_value()) return;
  if (*left_out == 0) {
    spdlog::log(level, "{}", message);
  } else {
    spdlog::log(level, "{} ({} messages of this kind before it were left out)", message, *left_out);
  }
}

std::vector<admin::NodeMetric> LogMetrics() {
  uint64_t left_out = 0;
  for (size_t i = 0; i < static_cast<size_t>(LogKind::kCount); ++i) {
    left_out += BudgetOf(static_cast<LogKind>(i)).left_out_ever();
  }
  return {{"log_lines_left_out_total",
           "Lines that were not logged.",
           true,
           {{"{reason=\"rate\"}", left_out},
            {"{reason=\"queue\"}", spdlog::thread_pool()->overrun_counter()}}}};
}

}  // namespace halley::gateway
