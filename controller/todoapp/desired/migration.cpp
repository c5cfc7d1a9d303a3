#include "todoapp/desired/body.hpp"
#include "todoapp/desired/desired.hpp"
#include "todoapp/desired/pod.hpp"
#include "todoapp/names.hpp"

namespace todoapp {

Intent migration_intent(const App& app, const MigrationContent& migration, std::int64_t number) {
  return desired::finish(app, {.kind = Kind::job,
                               .name = migration_name(app.name, number),
                               .labels = desired::migration_labels(app.name),
                               .annotations = {{marked(mark::revision), std::to_string(number)}},
                               .spec = migration.job_template});
}

}  // namespace todoapp
