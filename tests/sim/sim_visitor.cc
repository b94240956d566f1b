#include "sim/sim_visitor.h"

#include "web/files.h"

namespace halley::sim {

void SimVisitor::Ask(uint32_t shard, std::string_view path, bool head, std::string_view behind) {
  for (const wire::HttpFile& file : web::Files()) {
    if (file.path != path) continue;
    wanted_ = file.response;
    if (head) wanted_ = wanted_.substr(0, file.head_bytes);
  }
  link_ = net_.Connect(this, shard::ListenerKind::kWebSocket, shard);
  net_.Send(link_, std::string(head ? "HEAD " : "GET ") + std::string(path) +
                       " HTTP/1.1\r\nHost: sim\r\n\r\n" + std::string(behind));
}

void SimVisitor::OnTaken(std::string_view bytes) {
  // The two differ in their status: what comes first decides.
  if (taken_bytes_ == 0 && bytes.starts_with(refusal_)) refused_ = true;
  if (refused_) return;
  if (wanted_.substr(taken_bytes_, bytes.size()) != bytes) {
    Wrong("is sent something else than the file from byte " + std::to_string(taken_bytes_));
  }
  taken_bytes_ += bytes.size();
}

void SimVisitor::OnBytes(std::string_view bytes) { read_bytes_ += bytes.size(); }

void SimVisitor::OnEnd(bool reset) {
  over_ = true;
  if (reset || link_->client_gone) return;
  if (read_bytes_ != link_->taken_bytes) Wrong("read less than what was taken");
}

void SimVisitor::Wrong(const std::string& what) {
  core_.Fail("visitor " + std::to_string(number_) + " (link " + std::to_string(link_->id) + ") " +
             what);
}

}  // namespace halley::sim
