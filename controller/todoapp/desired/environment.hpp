// The environment of a tier's containers. Private to desired/.
//
// Law: in this order, for a later entry may refer to an earlier one, and an entry of `env` wins over all of `envFrom`:
// live secrets, what the operator adds unless the user has set it, the user's own list.
#pragma once

#include "todoapp/types.hpp"

namespace todoapp::desired {

/// The list `envFrom`: the sealed ConfigMap and the sealed Secret, where there is one.
[[nodiscard]] JsonText env_from(const TierContent& content);
/// The list `env` of the tier's container.
[[nodiscard]] JsonText env(const App& app, Tier tier, const TierContent& content);
/// That of the migration: the backend's, where entries of `migration.env` replace those of the same name.
[[nodiscard]] JsonText migration_env(const App& app, const TierContent& content);

}  // namespace todoapp::desired
