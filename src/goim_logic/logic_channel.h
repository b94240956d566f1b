// NewLogicChannel: a gRPC connection to one address of goim's logic, which opens itself again soon.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace halley::goim_logic {

// `answer_bytes_max`: of one answer; the call of a longer one fails.
std::shared_ptr<grpc::Channel> NewLogicChannel(const std::string& address, int answer_bytes_max);

}  // namespace halley::goim_logic
