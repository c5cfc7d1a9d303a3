#include "operator/counting_transport.hpp"

#include <utility>

namespace shell {

kube::CallId CountingTransport::send(kube::Request request, kube::ResponseHandler handler) {
  const char* method = kube::to_string(request.method);
  return inner_.send(std::move(request),
                     [this, method, handler = std::move(handler)](base::Result<kube::Response> answer) {
                       metrics_.request_finished(method, answer ? static_cast<unsigned>(answer->head.status) : 0U);
                       handler(std::move(answer));
                     });
}

kube::CallId CountingTransport::stream(kube::Request request, kube::StreamHandler handler) {
  const char* method = kube::to_string(request.method);
  auto on_head = std::move(handler.on_head);
  handler.on_head = [this, method, on_head = std::move(on_head)](const kube::ResponseHead& head) {
    metrics_.request_finished(method, static_cast<unsigned>(head.status));
    on_head(head);
  };
  return inner_.stream(std::move(request), std::move(handler));
}

}  // namespace shell
