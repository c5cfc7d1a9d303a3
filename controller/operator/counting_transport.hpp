// A transport that counts what goes through it: rest_client_requests_total. Law: passes everything on unchanged.
#pragma once

#include "kube/transport.hpp"
#include "operator/metrics.hpp"

namespace shell {

class CountingTransport : public kube::Transport {
 public:
  CountingTransport(kube::Transport& inner, Metrics& metrics) : inner_(inner), metrics_(metrics) {}

  kube::CallId send(kube::Request request, kube::ResponseHandler handler) override;
  kube::CallId stream(kube::Request request, kube::StreamHandler handler) override;
  void cancel(kube::CallId call) override { inner_.cancel(call); }
  void close(std::function<void()> closed) override { inner_.close(std::move(closed)); }

 private:
  kube::Transport& inner_;
  Metrics& metrics_;
};

}  // namespace shell
