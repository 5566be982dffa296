#include "service/lab/simulation/first_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "service/lab/simulation/csv_writer.h"
#include "service/lab/simulation/simulator_config.h"
#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

CompanyOptions YoungCompany() {
  CompanyOptions options;
  options.customers_before = 60;
  options.customers_at_start = 90;
  options.customers_at_end = 120;
  return options;
}

TEST(FirstReportTest, TheTruthScoresAboveTheModelAndTheModelIsMeasuredBesideIt) {
  const auto report = MakeFirstReport(YoungCompany(), SimulatorConfig());
  ASSERT_THAT(report, IsOk());
  const model::v1::HeldOut& held_out = report->held_out();
  EXPECT_GT(held_out.exposures(), 100);
  EXPECT_GT(held_out.truth().auc(), 0.5);
  EXPECT_GT(held_out.truth().auc(), held_out.auc());
  EXPECT_GT(held_out.truth().brier_skill(), held_out.brier_skill());
  EXPECT_GT(held_out.features().auc(), 0);
  EXPECT_GT(report->best_three_promised(), 0);
  EXPECT_GT(report->best_three_observed(), 0);
  EXPECT_GT(report->ridge(), 0);
}

TEST(FirstReportTest, TheHistoryIsThatOfTheFiles) {
  const Company company(YoungCompany());
  const Truth truth(company);
  const History past = PlayHistory(company, truth);
  const learning::History history = ToLearningHistory(company, past);
  const std::map<std::string, std::string> files = HistoryFiles(company, past);
  const auto lines = [&](const std::string& name) {
    const std::string& text = files.at(name);
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) - 1;
  };
  EXPECT_EQ(history.suggestions.size(), lines("suggestions.csv"));
  EXPECT_EQ(history.purchases.size(), lines("purchases.csv"));
  EXPECT_EQ(history.recommendations.size(), lines("recommendations.csv"));
}

TEST(FirstReportTest, NeedsACompany) {
  EXPECT_THAT(MakeFirstReports({}, SimulatorConfig()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("there is no company")));
}

}  // namespace
}  // namespace suggest::simulation
