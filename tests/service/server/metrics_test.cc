#include "service/server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace suggest::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// "name type" of each family, sorted: what tests/service/server/metrics_golden.txt holds.
std::string Names(const std::string& text) {
  std::set<std::string> names;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "# TYPE ")) names.insert(std::string(line.substr(7)));
  }
  return absl::StrCat(absl::StrJoin(names, "\n"), "\n");
}

TEST(MetricsTest, NamesAndTypesAreThoseOfTheGoldenList) {
  std::ifstream file(SUGGEST_SOURCE_DIR "/tests/service/server/metrics_golden.txt");
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(Names(Metrics().Text()), golden.str())
      << "dashboards and alarms depend on these names: change both or none";
}

TEST(MetricsTest, EverySeriesExistsFromTheStart) {
  const std::string text = Metrics().Text();
  EXPECT_THAT(text, HasSubstr("suggest_requests_total{code=\"UNAVAILABLE\",method=\"GetModel\"} 0"));
  EXPECT_THAT(text, HasSubstr("suggest_decisions_total{policy=\"EXPERT\"} 0"));
  EXPECT_THAT(text, HasSubstr("suggest_feedback_events_total{kind=\"CLICKED\"} 0"));
  EXPECT_THAT(text, HasSubstr("suggest_phase_duration_seconds_count{phase=\"commit\"} 0"));
}

TEST(MetricsTest, ADecisionCountsOnceWhateverHappensToItsAnswer) {
  Metrics metrics;
  v1::SuggestResponse response;
  response.set_policy(v1::THOMPSON);
  response.set_explore(true);
  response.set_propensity_status(v1::DEFERRED);
  metrics.RecordDecision(response);
  response.set_sticky(true);
  metrics.RecordDecision(response);
  response.set_replayed(true);
  metrics.RecordDecision(response);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("suggest_decisions_total{policy=\"THOMPSON\"} 1"));
  EXPECT_THAT(text, HasSubstr("suggest_explored_decisions_total 1"));
  EXPECT_THAT(text, HasSubstr("suggest_deferred_propensities_total 1"));
  EXPECT_THAT(text, HasSubstr("suggest_sticky_answers_total 1"));
  EXPECT_THAT(text, HasSubstr("suggest_replayed_answers_total 1"));
}

TEST(MetricsTest, AnIngestFeedsEachOfItsCounts) {
  v1::IngestRewardsResponse response;
  // Each count gets a value of its own; state after the run becomes a gauge.
  const auto* descriptor = v1::IngestCounts::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    response.counts().GetReflection()->SetInt64(response.mutable_counts(), descriptor->field(i), 100 + i);
  }
  Metrics metrics;
  metrics.RecordIngest(response);
  const std::string text = metrics.Text();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    // What the vanished are compared with is no event of its own.
    if (descriptor->field(i)->name() == "purchases_booked") continue;
    EXPECT_THAT(text, HasSubstr(absl::StrCat(" ", 100 + i, "\n")));
  }
}

TEST(MetricsTest, DelaysAreThoseOfTheModelInServiceAndNoOther) {
  Metrics metrics;
  EXPECT_THAT(metrics.Text(), HasSubstr("suggest_delay_quantile_seconds{share=\"0.5\",stratum=\"all\"} 0"));
  metrics.RecordModelSwap({.late_value_share = 0.25,
                           .delay_tail_share = 0.125,
                           .delays = {{"all", absl::Hours(1), absl::Hours(2), absl::Hours(3)},
                                      {"slow", absl::Hours(4), absl::Hours(5), absl::Hours(6)}}});
  EXPECT_THAT(metrics.Text(), HasSubstr("suggest_delay_quantile_seconds{share=\"0.9\",stratum=\"slow\"} 18000"));
  EXPECT_THAT(metrics.Text(), HasSubstr("suggest_late_value_share 0.25"));
  EXPECT_THAT(metrics.Text(), HasSubstr("suggest_delay_tail_share 0.125"));
  metrics.RecordModelSwap({.delays = {{"all", absl::Hours(1), absl::Hours(2), absl::Hours(3)}}});
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("slow")));
}

}  // namespace
}  // namespace suggest::server
