// NewLogicChannel: a gRPC connection to one address of goim's logic, which opens itself again soon.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace halley::goim_logic {

std::shared_ptr<grpc::Channel> NewLogicChannel(const std::string& address);

}  // namespace halley::goim_logic
