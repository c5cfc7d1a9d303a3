#include <nlohmann/json.hpp>
#include <utility>

#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/json_parts.hpp"
#include "todoapp/names.hpp"

namespace todoapp {

Intent migration_intent(const App& app, const MigrationContent& migration, std::int64_t number) {
  auto body = desired::body_of(app, Kind::job, migration_name(app.name, number), nullptr);
  body["metadata"]["labels"]["app.kubernetes.io/component"] = "migration";
  desired::annotations_of(body)[marked(mark::revision)] = std::to_string(number);
  desired::set_parsed(body, "spec", migration.job_template);
  return desired::finish(Kind::job, std::move(body));
}

}  // namespace todoapp
