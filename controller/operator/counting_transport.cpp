#include "operator/counting_transport.hpp"

#include <memory>
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
  const auto counted = std::make_shared<bool>(false);
  handler.on_head = [this, method, counted, on_head = std::move(handler.on_head)](const kube::ResponseHead& head) {
    *counted = true;
    metrics_.request_finished(method, static_cast<unsigned>(head.status));
    on_head(head);
  };
  handler.on_end = [this, method, counted, on_end = std::move(handler.on_end)](base::Result<void> result) {
    if (!*counted) metrics_.request_finished(method, 0U);
    on_end(std::move(result));
  };
  return inner_.stream(std::move(request), std::move(handler));
}

}  // namespace shell
