#include "tests/bench/serve/scenarios.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tests/support/raw_sql.h"

namespace suggest::bench {

using suggest::testing::RunSql;

Company Bench::Fresh(Stage stage, int catalogue, const std::string& scenario) {
  const std::string name = absl::StrCat(stage == Stage::kYear ? "year_" : "warm_", catalogue);
  if (made_.find(name) == made_.end()) {
    made_.emplace(name, MakeCompany(places_, {.name = name,
                                              .stage = stage,
                                              .recommendations = effort_.recommendations,
                                              .catalogue = catalogue,
                                              .customers_after_a_year = effort_.customers_after_a_year}));
  }
  std::fprintf(stderr, "%s\n", scenario.c_str());
  if (!last_copy_.empty()) RunSql(places_.server, absl::StrCat("DROP DATABASE ", last_copy_, " WITH (FORCE)"));
  last_copy_ = scenario;
  Company copy = CopyOf(places_, made_.at(name), scenario);
  copy.config.mutable_choice()->mutable_propensity_time()->Clear();  // zero: deferred
  RunSql(places_.server, "CHECKPOINT");                              // not in the middle of a measurement
  return copy;
}

}  // namespace suggest::bench
