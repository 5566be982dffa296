// What `suggestctl doctor` asks of the rows that the source views show.
#ifndef STORAGE_SOURCE_SOURCE_CHECKS_H_
#define STORAGE_SOURCE_SOURCE_CHECKS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

// One thing that is wrong with a view's rows.
struct SourceFinding {
  std::string view;     // "customers", "recommendations", "suggestions", "purchases"
  bool failed = false;  // the service, or a part of it, does not work with such rows; else it works without them
  std::string message;  // how many rows, what is wrong, the first three keys, the remedy; one line
};

// What the configuration expects of the data.
struct SourceExpectations {
  absl::Time now;
  std::vector<std::pair<std::string, double>> currencies;  // accepted ones, with units of the declared one per unit
  double reward_cap = 1;
  double base_rate = 0;  // 0 = not set
  absl::Duration attribution_window;
  absl::Duration clock_skew_tolerance;
};

// All that is wrong, view by view; empty when nothing is. A check that the database cannot answer (a cast in a view
// that fails for a row) is a finding, and the others go on. REQUIRES: CheckSourceViews is content. Cost: some passes
// over each view and a join of suggestions and purchases.
std::vector<SourceFinding> CheckSourceRows(Database& db, const SourceExpectations& expected);

// Rows of one view. Errors: those of the database, with its words (errors.h, OperatorWords).
absl::StatusOr<int64_t> CountSourceRows(Database& db, const std::string& view);

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_SOURCE_CHECKS_H_
