#include "operator/http_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "operator/http_server.health.hpp"
#include "unit/operator/http_rig.hpp"

namespace shell {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::Reply;
using test::ServerRig;

HttpHandler echo_path() {
  return make_handler([](const HttpQuestion& question) { return HttpAnswer{.body = question.path}; });
}

/// Keeps the questions' `respond` until the test uses them, on the loop.
struct Parked {
  std::vector<HttpRespond> responds;
  HttpHandler handler() {
    return [this](const HttpQuestion&, HttpRespond respond) { responds.push_back(std::move(respond)); };
  }
};

TEST(ParseBindAddress, ReadsTheFormsThatPeopleWrite) {
  const std::pair<const char*, BindAddress> table[] = {
      {":8080", {true, "", 8080}},
      {"127.0.0.1:8080", {true, "127.0.0.1", 8080}},
      {"[::1]:8080", {true, "::1", 8080}},
      {"localhost:0", {true, "127.0.0.1", 0}},
      {"0", {false, "", 0}},
  };
  for (const auto& [text, expected] : table) {
    const auto read = parse_bind_address(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, expected) << text;
    EXPECT_EQ(parse_bind_address(to_string(*read)), read) << text;
  }
}

TEST(ParseBindAddress, RefusesTheRestWithAReason) {
  const std::pair<const char*, const char*> table[] = {
      {"", "there is no port"},
      {"8080", "there is no port"},
      {":", "the port is not a number"},
      {":http", "the port is not a number"},
      {":65536", "the port is not a number"},
      {":-1", "the port is not a number"},
      {"example.com:80", "the host is not an IP address"},
      {"::1:8080", "an IPv6 address, and only that, stands in brackets"},
      {"[127.0.0.1]:80", "an IPv6 address, and only that, stands in brackets"},
      {"[]:80", "the host is not an IP address"},
  };
  for (const auto& [text, reason] : table) {
    const auto read = parse_bind_address(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, base::ErrorCode::invalid);
    EXPECT_TRUE(read.error().detail.starts_with(reason)) << read.error().detail;
  }
}

TEST(HttpQuestion, FindsAParameterByItsWholeName) {
  const auto has = [](const char* query) { return HttpQuestion{.query = query}.has("verbose"); };
  for (const auto* query : {"verbose", "verbose=", "verbose=1", "a&verbose", "a=b&verbose=true&c", "&&verbose"}) {
    EXPECT_TRUE(has(query)) << query;
  }
  for (const auto* query : {"", "verbos", "verbosely", "a=verbose", "averbose", "&"}) EXPECT_FALSE(has(query)) << query;
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  ServerRig rig(echo_path());
  Client client(rig.port());
  const auto first = client.get("/one");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "/one");
  EXPECT_EQ(first.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(first.headers.at("cache-control"), "no-store");
  EXPECT_EQ(client.get("/two").body, "/two");
  EXPECT_EQ(rig.connections(), 1U);
}

TEST(HttpServer, HandsTheQuestionOver) {
  std::mutex mutex;
  HttpQuestion seen;
  ServerRig rig(make_handler([&](const HttpQuestion& question) {
    const std::lock_guard lock(mutex);
    seen = question;
    return HttpAnswer{.status = 403, .content_type = "application/json", .body = "{}"};
  }));
  Client client(rig.port());
  const auto reply = client.get("/a%20b?verbose&x=1?", "Authorization: Bearer abc\r\n");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  const std::lock_guard lock(mutex);
  EXPECT_FALSE(seen.head);
  EXPECT_EQ(seen.path, "/a%20b");
  EXPECT_EQ(seen.query, "verbose&x=1?");
  EXPECT_EQ(seen.authorization, "Bearer abc");
  EXPECT_EQ(seen.peer, "127.0.0.1");
}

TEST(HttpServer, ClosesWhenTheClientAsksForItOrSpeaksHttp10) {
  ServerRig rig(echo_path());
  Client polite(rig.port());
  EXPECT_EQ(polite.get("/x", "Connection: close\r\n").headers.at("connection"), "close");
  EXPECT_TRUE(polite.ended());
  Client old(rig.port());
  ASSERT_TRUE(old.send("GET /x HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(old.reply().body, "/x");
  EXPECT_TRUE(old.ended());
}

TEST(HttpServer, AnswersHeadWithTheLengthButNoBody) {
  ServerRig rig(echo_path());
  Client client(rig.port());
  ASSERT_TRUE(client.send("HEAD /four HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto reply = client.reply(true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-length"), "5");
  EXPECT_EQ(client.get("/next").body, "/next") << "a body was sent after all";
}

TEST(HttpServer, AnswersPipelinedQuestionsInOrder) {
  ServerRig rig(echo_path());
  Client client(rig.port());
  std::string questions;
  for (int number = 0; number < 50; ++number) {
    questions += "GET /" + std::to_string(number) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  ASSERT_TRUE(client.send(questions));
  for (int number = 0; number < 50; ++number) EXPECT_EQ(client.reply().body, "/" + std::to_string(number));
}

TEST(HttpServer, DoesNotAskTheNextPipelinedQuestionBeforeTheFirstIsAnswered) {
  Parked parked;
  ServerRig rig(parked.handler());
  Client client(rig.port());
  ASSERT_TRUE(client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
  for (std::size_t number = 1; number <= 2; ++number) {
    ASSERT_TRUE(rig.eventually([&] { return rig.on_loop([&] { return parked.responds.size() == number; }); }));
    EXPECT_FALSE(client.readable(0ms));
    rig.on_loop([&] { parked.responds.back()({.body = std::to_string(number)}); });
    EXPECT_EQ(client.reply().body, std::to_string(number));
  }
}

struct Refusal {
  const char* what;
  std::string sent;
  int status;
};

TEST(HttpServer, RefusesWhatItDoesNotTakeSaysSoAndCloses) {
  const Refusal table[] = {
      {"a POST without a body", "POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"a POST with a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 405},
      {"a POST that announces gigabytes", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", 405},
      {"DELETE", "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"a GET with a body", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413},
      {"a GET in chunks", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413},
      {"one long header", "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n", 431},
      {"a header without an end", "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), 431},
      {"a long target", "GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
      {"no HTTP", "hello, world\r\n\r\n", 400},
      {"another version", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400},
      {"two lengths", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"the greeting of TLS", std::string("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1", 9), 400},
  };
  ServerRig rig(echo_path());
  for (const auto& [what, sent, status] : table) {
    SCOPED_TRACE(what);
    Client client(rig.port());
    ASSERT_TRUE(client.send(sent));
    const auto reply = client.reply();
    EXPECT_EQ(reply.status, status);
    EXPECT_TRUE(client.ended());
    EXPECT_EQ(reply.headers.contains("allow"), status == 405);
  }
}

TEST(HttpServer, WhoHasToSayWhoTheyAreIsToldHow) {
  ServerRig rig(make_handler([](const HttpQuestion&) { return HttpAnswer{.status = 401}; }));
  EXPECT_EQ(Client(rig.port()).get("/").headers["www-authenticate"], "Bearer");
}

TEST(HttpServer, TakesAHeaderOfNearlyTheLimit) {
  ServerRig rig(echo_path());
  Client client(rig.port());
  EXPECT_EQ(client.get("/x", "X: " + std::string(8'000, 'x') + "\r\n").status, 200);
}

TEST(HttpServer, ClosesAClientThatNeverAsks) {
  ServerRig rig(echo_path(), {.limits = {.header = 50ms}});
  Client client(rig.port());
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, ClosesAClientThatDripsItsHeaderThoughItIsNeverSilent) {
  ServerRig rig(echo_path(), {.limits = {.header = 200ms}});
  Client slow(rig.port());
  ASSERT_TRUE(slow.send("GET / HTTP/1.1\r\nX: "));
  const auto begin = std::chrono::steady_clock::now();
  while (!slow.readable(5ms) && std::chrono::steady_clock::now() - begin < test::patience) slow.send("x");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_TRUE(slow.ended());
}

TEST(HttpServer, ServesOthersWhileOneIsSlow) {
  ServerRig rig(echo_path());
  Client slow(rig.port());
  ASSERT_TRUE(slow.send("GET /slow HT"));
  for (int round = 0; round < 20; ++round) EXPECT_EQ(Client(rig.port()).get("/quick").body, "/quick");
  ASSERT_TRUE(slow.send("TP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(slow.reply().body, "/slow");
}

TEST(HttpServer, ClosesAConnectionThatStaysIdle) {
  ServerRig rig(echo_path(), {.limits = {.idle = 50ms}});
  Client client(rig.port());
  EXPECT_EQ(client.get("/x").status, 200);
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, LetsAnIdleConnectionBeQuietForLongerThanAHeaderMayTake) {
  ServerRig rig(echo_path(), {.limits = {.header = 100ms}});
  Client client(rig.port());
  EXPECT_EQ(client.get("/x").status, 200);
  Client witness(rig.port());
  EXPECT_TRUE(witness.ended()) << "by now the limit of a header is over";
  EXPECT_EQ(client.get("/y").body, "/y");
}

TEST(HttpServer, ANewClientTakesThePlaceOfTheOneThatWaitedLongest) {
  ServerRig rig(echo_path());
  std::vector<Client> waiting;
  for (std::size_t number = 0; number < HttpLimits{}.connections; ++number) {
    waiting.emplace_back(rig.port());
    ASSERT_TRUE(rig.eventually([&] { return rig.connections() == number + 1; }));
  }
  EXPECT_EQ(waiting[0].get("/busy").body, "/busy") << "it waits anew from here";
  Client late(rig.port());
  EXPECT_EQ(late.get("/late").body, "/late");
  EXPECT_EQ(rig.connections(), HttpLimits{}.connections);
  EXPECT_TRUE(waiting[1].ended());
  EXPECT_EQ(waiting[0].get("/still").body, "/still");
}

TEST(HttpServer, ANewClientIsClosedWhereAllPlacesAreBeingServed) {
  Parked parked;
  ServerRig rig(parked.handler(), {.limits = {.connections = 2}});
  Client one(rig.port()), two(rig.port());
  ASSERT_TRUE(one.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(two.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(rig.eventually([&] { return rig.on_loop([&] { return parked.responds.size() == 2; }); }));
  Client three(rig.port());
  EXPECT_TRUE(three.ended());
  rig.on_loop([&] {
    for (auto& respond : parked.responds) respond({.body = "here"});
  });
  EXPECT_EQ(one.reply().body, "here");
  EXPECT_EQ(two.reply().body, "here");
}

TEST(HttpServer, DropsAClientThatDoesNotTakeItsAnswer) {
  ServerRig rig(make_handler([](const HttpQuestion&) { return HttpAnswer{.body = std::string(64U << 20U, 'x')}; }),
                {.limits = {.write = 100ms}});
  Client client(rig.port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(client.readable(test::patience));
  EXPECT_TRUE(rig.eventually([&] { return rig.connections() == 0; }));
}

TEST(HttpServer, DropsAClientThatNeitherReadsTheEndNorCloses) {
  ServerRig rig(echo_path(), {.limits = {.linger = 50ms}});
  Client client(rig.port());
  EXPECT_EQ(client.get("/x", "Connection: close\r\n").status, 200);
  EXPECT_TRUE(rig.eventually([&] { return rig.connections() == 0; }));
}

TEST(HttpServer, AHandlerThatNeverRespondsIs504) {
  Parked parked;
  ServerRig rig(parked.handler(), {.limits = {.answer = 50ms}});
  Client client(rig.port());
  const auto reply = client.get("/x");
  EXPECT_EQ(reply.status, 504);
  EXPECT_TRUE(client.ended());
  rig.on_loop([&] { parked.responds.back()({.body = "too late"}); });
}

TEST(HttpServer, OnlyTheFirstRespondCounts) {
  Parked parked;
  ServerRig rig(parked.handler());
  Client client(rig.port());
  for (std::size_t number = 1; number <= 2; ++number) {
    ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    ASSERT_TRUE(rig.eventually([&] { return rig.on_loop([&] { return parked.responds.size() == number; }); }));
    rig.on_loop([&] {
      parked.responds.front()({.body = "first"});  // in the second round that of an answered question
      parked.responds.back()({.body = std::to_string(number)});
      parked.responds.back()({.body = "again"});
    });
    EXPECT_EQ(client.reply().body, number == 1 ? "first" : "2");
  }
}

TEST(HttpServer, RespondIsNothingOnceTheServerIsGone) {
  Parked parked;
  ServerRig rig(parked.handler());
  Client client(rig.port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(rig.eventually([&] { return rig.on_loop([&] { return parked.responds.size() == 1; }); }));
  rig.drop();
  EXPECT_TRUE(client.ended());
  rig.on_loop([&] { parked.responds.back()({.body = "nobody"}); });
}

TEST(HttpServer, ClosesGracefully) {
  Parked parked;
  ServerRig rig(parked.handler(), {.limits = {.linger = 50ms}});
  Client idle(rig.port()), busy(rig.port());
  ASSERT_TRUE(busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(rig.eventually([&] { return rig.on_loop([&] { return parked.responds.size() == 1; }); }));
  auto closed = rig.close();
  EXPECT_TRUE(idle.ended());
  EXPECT_FALSE(Client(rig.port()).connected());
  EXPECT_EQ(closed.wait_for(0s), std::future_status::timeout) << "one question is still open";
  rig.on_loop([&] { parked.responds.back()({.body = "farewell"}); });
  const auto reply = busy.reply();
  EXPECT_EQ(reply.body, "farewell");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_TRUE(busy.ended());
  EXPECT_EQ(closed.wait_for(test::patience), std::future_status::ready);
  EXPECT_EQ(rig.close().wait_for(test::patience), std::future_status::ready) << "a second time at once";
}

TEST(HttpServer, SaysWhyItCannotListen) {
  ServerRig rig(echo_path());
  boost::asio::io_context loop;
  const auto taken = HttpServer::listen(loop, {true, "127.0.0.1", rig.port()}, echo_path());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::ErrorCode::invalid);
  EXPECT_EQ(to_string(taken.error()), "listen on 127.0.0.1:" + std::to_string(rig.port()) + ": Address already in use");
  EXPECT_FALSE(HttpServer::listen(loop, {false, "", 0}, echo_path()));
  EXPECT_FALSE(HttpServer::listen(loop, {true, "192.0.2.1", 0}, echo_path()));
}

TEST(HttpServer, ListensOnEveryAddressWithoutAHost) {
  boost::asio::io_context loop;
  const auto server = HttpServer::listen(loop, {true, "", 0}, echo_path());
  ASSERT_TRUE(server) << to_string(server.error());
  EXPECT_NE((*server)->port(), 0);
  EXPECT_TRUE(Client((*server)->port()).connected());
}

TEST(Routes, GoByExactPath) {
  ServerRig rig(make_routes({{"/a", echo_path()}, {"/metrics", echo_path()}}));
  Client client(rig.port());
  EXPECT_EQ(client.get("/metrics?x").body, "/metrics");
  for (const auto* path : {"/", "/a/", "/A", "/b", "/a/../metrics"}) EXPECT_EQ(client.get(path).status, 404) << path;
}

TEST(Health, SpeaksAsKubeApiserverDoes) {
  std::atomic<bool> leads{true};
  Health health;
  health.add_check("loop", [] { return std::nullopt; });
  health.add_check("lease", [&] { return leads ? std::nullopt : std::optional<std::string>("not renewed"); });
  ServerRig rig(make_routes({{"/livez", make_health_handler(health)}, {"/healthz", make_health_handler(health)}}));
  Client client(rig.port());
  EXPECT_EQ(client.get("/livez").body, "ok");
  EXPECT_EQ(client.get("/healthz?verbose").body, "[+]loop ok\n[+]lease ok\nhealthz check passed\n");
  EXPECT_EQ(client.get("/livez?verbose").body, "[+]loop ok\n[+]lease ok\nlivez check passed\n");
  leads = false;
  for (const auto* target : {"/livez", "/livez?verbose"}) {
    const auto reply = client.get(target);
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.body, "[+]loop ok\n[-]lease failed: not renewed\nlivez check failed\n");
  }
}

}  // namespace
}  // namespace shell
