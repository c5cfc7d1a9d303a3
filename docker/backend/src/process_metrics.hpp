// The customary process_* metrics, of this process, from /proc.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

namespace todo {

/// Without those that /proc does not tell.
[[nodiscard]] std::vector<prometheus::MetricFamily> process_metrics();

}  // namespace todo
