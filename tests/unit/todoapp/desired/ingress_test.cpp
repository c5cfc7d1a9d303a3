#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/builders.hpp"
#include "todoapp/desired/desired.hpp"

namespace todoapp {
namespace {

using test::an_app;
using Json = nlohmann::json;

Json spec_with(const std::function<void(Ingress&)>& change) {
  const auto app = an_app().with_spec([&](Spec& spec) { change(spec.ingress.emplace()); }).build();
  return Json::parse(ingress_intent(app).value().body).at("spec");
}

Json path(const std::string& path, const std::string& service) {
  return {{"path", path},
          {"pathType", "Prefix"},
          {"backend", {{"service", {{"name", service}, {"port", {{"name", "http"}}}}}}}};
}

TEST(Ingress, LeadsToTheFrontend) {
  EXPECT_EQ(spec_with([](Ingress&) {}),
            Json({{"rules", Json::array({{{"http", {{"paths", Json::array({path("/", "todo-frontend")})}}}}})}}));
}

TEST(Ingress, LeadsToTheBackendBelowApiWhereExposed) {
  const auto spec = spec_with([](Ingress& ingress) { ingress.expose_backend = true; });
  EXPECT_EQ(spec.at("/rules/0/http/paths"_json_pointer),
            Json::array({path("/api", "todo-backend"), path("/", "todo-frontend")}));
}

TEST(Ingress, SpeaksTlsForItsHost) {
  const auto spec = spec_with([](Ingress& ingress) {
    ingress.class_name = "nginx";
    ingress.host = "todo.example.org";
    ingress.tls_secret_name = "todo-tls";
  });
  EXPECT_EQ(spec.at("ingressClassName"), "nginx");
  EXPECT_EQ(spec.at("/rules/0/host"_json_pointer), "todo.example.org");
  EXPECT_EQ(spec.at("tls"), Json::parse(R"([{"hosts":["todo.example.org"],"secretName":"todo-tls"}])"));
}

}  // namespace
}  // namespace todoapp
