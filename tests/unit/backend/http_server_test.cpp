#include "http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "store_rig.hpp"

namespace todo {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A client and a server on one loop, run by the test: nothing waits for a clock but what waits for a deadline.
class HttpServerTest : public testing::Test {
 protected:
  void start(HttpLimits limits = {}) {
    auto server = HttpServer::listen(
        loop_, "127.0.0.1", 0,
        [this](const HttpQuestion& question, HttpRespond respond) {
          questions_.push_back(question);
          if (hold_) {
            held_.push_back(std::move(respond));
          } else {
            respond(answer_);
          }
        },
        [this](const HttpExchange& exchange) { exchanges_.push_back(exchange); }, limits);
    ASSERT_TRUE(server) << words_of(server);
    server_ = std::move(*server);
  }

  std::unique_ptr<tcp::socket> connect() {
    auto socket = std::make_unique<tcp::socket>(loop_);
    socket->connect({boost::asio::ip::make_address("127.0.0.1"), server_->port()});
    return socket;
  }

  void send(tcp::socket& socket, const std::string& text) { boost::asio::write(socket, boost::asio::buffer(text)); }

  /// Until the text has come, or the server has closed; what came.
  std::string receive(tcp::socket& socket, const std::string& end = "") {
    std::string got;
    std::array<char, 4096> room{};
    bool closed = false;
    while (!closed && (end.empty() || got.find(end) == std::string::npos)) {
      bool done = false;
      socket.async_read_some(boost::asio::buffer(room), [&](boost::system::error_code error, std::size_t bytes) {
        got.append(room.data(), bytes);
        closed = error.failed();
        done = true;
      });
      loop_.restart();
      while (!done) {
        if (loop_.run_one_for(10s) == 0) {
          ADD_FAILURE() << "nothing came within 10 seconds after: " << got;
          return got;
        }
      }
    }
    return got;
  }

  std::string exchange(const std::string& text) {
    const auto socket = connect();
    send(*socket, text);
    return receive(*socket);
  }

  void run_until(const std::function<bool()>& condition) {
    loop_.restart();
    while (!condition()) {
      ASSERT_NE(loop_.run_one_for(10s), 0U) << "waited 10 seconds";
    }
  }

  boost::asio::io_context loop_{1};
  std::vector<HttpQuestion> questions_;
  std::vector<HttpExchange> exchanges_;
  std::vector<HttpRespond> held_;
  HttpAnswer answer_{.body = "hello\n"};
  bool hold_{false};
  std::unique_ptr<HttpServer> server_;
};

const std::string get = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string last_get = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTest, HandsOverTheQuestionAndWritesTheAnswer) {
  start();
  answer_.headers.emplace_back("X-More", "yes");
  const auto got = exchange(
      "POST /a/b?c=%20d HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\nContent-Length: 4\r\nConnection: "
      "close\r\n\r\nbody");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(got, HasSubstr("X-More: yes\r\n"));
  EXPECT_THAT(got, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(got, EndsWith("\r\n\r\nhello\n"));
  ASSERT_EQ(questions_.size(), 1U);
  EXPECT_EQ(questions_[0].method, "POST");
  EXPECT_EQ(questions_[0].path, "/a/b");
  EXPECT_EQ(questions_[0].query, "c=%20d");
  EXPECT_EQ(questions_[0].content_type, "text/x");
  EXPECT_EQ(questions_[0].body, "body");
  ASSERT_EQ(exchanges_.size(), 1U);
  EXPECT_EQ(exchanges_[0].path, "/a/b");
  EXPECT_EQ(exchanges_[0].status, 200U);
}

TEST_F(HttpServerTest, OneConnectionServesManyQuestionsAlsoSentAtOnce) {
  start();
  const auto got = exchange(get + get + last_get);
  EXPECT_EQ(questions_.size(), 3U);
  std::size_t answers = 0;
  for (auto at = got.find("hello"); at != std::string::npos; at = got.find("hello", at + 1)) ++answers;
  EXPECT_EQ(answers, 3U);
}

TEST_F(HttpServerTest, TheQuestionsOfProxiesAreUnderstood) {
  start();
  exchange("GET http://example.org/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_EQ(questions_.size(), 1U);
  EXPECT_EQ(questions_[0].path, "/a");
  EXPECT_EQ(questions_[0].query, "b");
}

TEST_F(HttpServerTest, HeadIsAnsweredWithoutABodyAndNoContentWithoutALength) {
  start();
  const auto head = exchange("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  answer_ = {.status = 204, .content_type = ""};
  EXPECT_THAT(exchange(last_get), Not(HasSubstr("Content-Length")));
}

TEST_F(HttpServerTest, WhatCannotBeReadIsRefusedAndTheConnectionEnds) {
  start();
  const std::vector<std::pair<std::string, std::string>> table{
      {"nonsense\r\n\r\n", "400"},
      {"GET /a HTTP/1.1\r\n\r\n", "400"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", "400"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"GET /a HTTP/7.0\r\nHost: x\r\n\r\n", "505"},
      {"GET /a HTTP/1.1\r\nHost: x\r\nX: " + std::string(17'000, 'x') + "\r\n\r\n", "431"},
      {"GET /" + std::string(17'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", "431"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", "413"},
      {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" + std::string(65'537, 'x'), "413"},
  };
  for (const auto& [text, status] : table) {
    const auto got = exchange(text);
    EXPECT_THAT(got, StartsWith("HTTP/1.1 " + status)) << text.substr(0, 80);
    EXPECT_THAT(got, HasSubstr("application/problem+json")) << text.substr(0, 80);
    EXPECT_THAT(got, HasSubstr("Connection: close")) << text.substr(0, 80);
  }
  EXPECT_TRUE(questions_.empty());
  EXPECT_EQ(exchanges_.size(), table.size());
}

TEST_F(HttpServerTest, ABodyOfExactlyTheLimitIsTaken) {
  start();
  const auto got = exchange("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\nConnection: close\r\n\r\n" +
                            std::string(65'536, 'x'));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(questions_.at(0).body.size(), 65'536U);
}

TEST_F(HttpServerTest, AClientThatAsksWhetherItMayGoOnIsTold) {
  start();
  const auto socket = connect();
  send(*socket,
       "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(receive(*socket, "\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  send(*socket, "ab");
  EXPECT_THAT(receive(*socket), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(questions_.at(0).body, "ab");
}

TEST_F(HttpServerTest, SlowClientsAreToldSoAndSilentOnesDropped) {
  start({.header = 30ms, .body = 30ms, .idle = 30ms});
  EXPECT_THAT(exchange("GET /a HTT"), StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(exchange("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"), StartsWith("HTTP/1.1 408"));
  EXPECT_EQ(exchange(""), "");
  EXPECT_THAT(exchange(get), EndsWith("hello\n"));
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(HttpServerTest, WhoMerelyWaitsGivesWayToWhoComes) {
  start({.connections = 2});
  const auto first = connect();
  const auto second = connect();
  run_until([&] { return server_->connections() == 2; });
  EXPECT_THAT(exchange(last_get), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(receive(*first), "");
}

TEST_F(HttpServerTest, WhoIsBeingServedDoesNotGiveWay) {
  start({.connections = 1});
  hold_ = true;
  const auto served = connect();
  send(*served, last_get);
  run_until([&] { return held_.size() == 1; });
  EXPECT_EQ(server_->in_flight(), 1U);
  EXPECT_EQ(exchange(last_get), "");
  held_[0](answer_);
  EXPECT_THAT(receive(*served), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(server_->in_flight(), 0U);
}

TEST_F(HttpServerTest, OnlyTheFirstAnswerCountsAndAClientThatLeftIsNoMatter) {
  start();
  hold_ = true;
  {
    const auto socket = connect();
    send(*socket, get);
    run_until([&] { return held_.size() == 1; });
    held_[0](answer_);
    held_[0]({.status = 500});
    EXPECT_THAT(receive(*socket, "hello\n"), StartsWith("HTTP/1.1 200"));
    send(*socket, get);
    run_until([&] { return held_.size() == 2; });
  }
  held_[1](answer_);
  run_until([&] { return server_->connections() == 0; });
  EXPECT_EQ(server_->in_flight(), 0U);
}

TEST_F(HttpServerTest, DismissedEachAnswerIsTheLastOfItsConnection) {
  start();
  const auto socket = connect();
  send(*socket, get);
  EXPECT_THAT(receive(*socket, "hello\n"), Not(HasSubstr("Connection: close")));
  server_->dismiss();
  send(*socket, get);
  EXPECT_THAT(receive(*socket), HasSubstr("Connection: close"));
  EXPECT_THAT(exchange(get), HasSubstr("Connection: close"));
}

TEST_F(HttpServerTest, AtTheEndWhatWasAskedIsAnsweredAndTheIdleLeave) {
  start();
  const auto idle = connect();
  send(*idle, get);
  receive(*idle, "hello\n");
  hold_ = true;
  const auto asking = connect();
  send(*asking, get);
  run_until([&] { return held_.size() == 1; });
  const auto just_come = connect();
  send(*just_come, get);
  bool closed = false;
  server_->close([&] { closed = true; });
  EXPECT_EQ(receive(*idle), "");
  run_until([&] { return held_.size() == 2; });
  EXPECT_FALSE(closed);
  held_[0](answer_);
  held_[1](answer_);
  EXPECT_THAT(receive(*asking), EndsWith("hello\n"));
  EXPECT_THAT(receive(*just_come), EndsWith("hello\n"));
  asking->close();
  just_come->close();
  run_until([&] { return closed; });
  boost::system::error_code error;
  tcp::socket late(loop_);
  late.connect({boost::asio::ip::make_address("127.0.0.1"), server_->port()}, error);
  EXPECT_TRUE(error);
}

TEST_F(HttpServerTest, AnAddressInUseIsAnError) {
  start();
  const auto second = HttpServer::listen(loop_, "127.0.0.1", server_->port(), {}, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().detail, HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace todo
