#include "operator/counting_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "unit/operator/shell_rig.hpp"

namespace shell {
namespace {

using test::WatchedTransport;
using testing::ElementsAre;
using testing::IsEmpty;

class CountingTransportTest : public testing::Test {
 protected:
  /// "GET 200: 2", ... of rest_client_requests_total, as they come.
  std::vector<std::string> counts() {
    std::istringstream text(metrics_.render());
    std::vector<std::string> found;
    for (std::string line; std::getline(text, line);) {
      if (!line.starts_with("rest_client_requests_total{")) continue;
      const auto label = [&](const std::string& name) {
        const auto begin = line.find(name + "=\"") + name.size() + 2;
        return line.substr(begin, line.find('"', begin) - begin);
      };
      found.push_back(fmt::format("{} {}: {}", label("method"), label("code"), line.substr(line.rfind(' ') + 1)));
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  static kube::Request request(kube::Method method) {
    kube::Request one;
    one.method = method;
    one.target = "/api/v1/pods";
    one.body = "{}";
    return one;
  }
  kube::StreamHandler listener() {
    return {[this](const kube::ResponseHead& head) { heard.push_back(fmt::format("head {}", head.status)); },
            [this](std::string_view bytes) { heard.push_back(fmt::format("data {}", bytes)); },
            [this](const base::Result<void>& end) { heard.emplace_back(end ? "end" : end.error().detail); }};
  }

  boost::asio::io_context loop_;
  WatchedTransport inner_{loop_};
  Metrics metrics_{{.api_host = "10.0.0.1:443"}};
  CountingTransport transport_{inner_, metrics_};
  std::vector<std::string> heard;
};

/// Keeps the handlers of its one stream, to be called by hand.
class OneStream : public kube::Transport {
 public:
  kube::CallId send(kube::Request, kube::ResponseHandler) override { return 0; }
  kube::CallId stream(kube::Request, kube::StreamHandler one) override {
    handler = std::move(one);
    return 7;
  }
  void cancel(kube::CallId) override {}
  void close(std::function<void()>) override {}

  kube::StreamHandler handler;
};

TEST_F(CountingTransportTest, AnswersAreCountedByMethodAndCode) {
  inner_.will_answer(200);
  inner_.will_answer(200);
  inner_.will_answer(409);
  inner_.will_fail();
  for (const auto method : {kube::Method::get, kube::Method::get, kube::Method::patch, kube::Method::del}) {
    transport_.send(request(method), [](const auto&) {});
  }
  kube::run_ready(loop_);
  EXPECT_THAT(counts(), ElementsAre("DELETE <error>: 1", "GET 200: 2", "PATCH 409: 1"));
}

TEST_F(CountingTransportTest, RequestsAndAnswersPassThroughUnchanged) {
  inner_.will_answer(409, R"({"message":"so it is"})");
  std::string answer;
  transport_.send(request(kube::Method::post), [&](const base::Result<kube::Response>& result) {
    answer = fmt::format("{} {}", result->head.status, result->body);
  });
  kube::run_ready(loop_);
  EXPECT_THAT(inner_.requests, ElementsAre(request(kube::Method::post)));
  EXPECT_EQ(answer, R"(409 {"message":"so it is"})");
}

TEST_F(CountingTransportTest, AStreamIsCountedOnceWhenItsHeadCame) {
  OneStream inner;
  CountingTransport transport(inner, metrics_);
  EXPECT_EQ(transport.stream(request(kube::Method::get), listener()), 7U);
  EXPECT_THAT(counts(), IsEmpty());
  inner.handler.on_head({200, "application/json", std::nullopt});
  inner.handler.on_data("one");
  inner.handler.on_data("two");
  inner.handler.on_end({});
  EXPECT_THAT(heard, ElementsAre("head 200", "data one", "data two", "end"));
  EXPECT_THAT(counts(), ElementsAre("GET 200: 1"));
}

TEST_F(CountingTransportTest, AStreamThatWasNeverAnsweredCountsAsAnError) {
  OneStream inner;
  CountingTransport transport(inner, metrics_);
  transport.stream(request(kube::Method::get), listener());
  inner.handler.on_end(base::fail(base::ErrorCode::retry, "connect", "refused"));
  EXPECT_THAT(heard, ElementsAre("refused"));
  EXPECT_THAT(counts(), ElementsAre("GET <error>: 1"));
}

TEST_F(CountingTransportTest, WhatIsCancelledIsNotCounted) {
  inner_.will_hang();
  const auto call = transport_.send(request(kube::Method::get), [](const auto&) {});
  transport_.stream(request(kube::Method::get), listener());
  EXPECT_EQ(inner_.under_way(), 1U);
  transport_.cancel(call);
  EXPECT_EQ(inner_.under_way(), 0U);
  EXPECT_THAT(counts(), IsEmpty());
}

TEST_F(CountingTransportTest, ClosingClosesTheInnerOne) {
  bool closed = false;
  transport_.close([&] { closed = true; });
  EXPECT_FALSE(closed);
  kube::run_ready(loop_);
  EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace shell
