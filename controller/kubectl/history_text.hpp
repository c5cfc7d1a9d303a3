// What `history` says: the table of an app's revisions, and what one of them holds.
// Law: pure. The table is made of the status, the content of the record; secrets are named, never shown.
#pragma once

#include <string>

#include "kubectl/app_view.hpp"
#include "kubectl/text.hpp"
#include "todoapp/revision.hpp"
#include "todoapp/types.hpp"

namespace kubectl {

/// REVISION, OUTCOME, CREATED, CAUSE, FLAGS; causes are cut unless it is `wide`.
[[nodiscard]] std::string history_table(const AppView& app, bool wide);

/// The same as JSON: `status.revisions` with `flags` in each.
[[nodiscard]] todoapp::JsonText history_json(const AppView& app);

/// "revision 1 is not in the history; there are 3, 2".
[[nodiscard]] std::string no_such_revision(const AppView& app, std::int64_t number);

/// A record: how it went, and what its pods are made from.
[[nodiscard]] std::string revision_text(const AppView& app, const todoapp::Revision& record,
                                        const todoapp::Content& content);

/// What its pods are made from otherwise than those of revision `number`: field by field.
[[nodiscard]] std::string difference_text(std::int64_t number, const todoapp::Content& before,
                                          const todoapp::Content& content, const Style& style);

}  // namespace kubectl
