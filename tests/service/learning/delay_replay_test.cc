#include "service/learning/delay_replay.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/common/config.h"
#include "storage/source/csv.h"
#include "storage/source/history_source.h"
#include "storage/source/importer.h"
#include "tests/service/learning/learning_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

// The folder of the public data, or empty.
config::v1::Config JourneyConfig() {
  const auto config = LoadConfig(absl::StrCat(SUGGEST_SOURCE_DIR, "/deploy/complete_journey/suggest.textproto"));
  EXPECT_THAT(config, IsOk());
  return config.ok() ? *config : config::v1::Config();
}

TEST(DelayReplayTest, NeedsInstantsToCutBetween) {
  EXPECT_THAT(ReplayDelays({}, JourneyConfig(), {}, nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("too few instants")));
}

TEST(DelayReplayTest, PlaysCompleteJourneyWithItsRealDelays) {
  const std::string folder = DataFolder();
  if (folder.empty()) GTEST_SKIP() << "the Complete Journey data is absent: set SUGGEST_TEST_DATA to its parent folder";
  testing::TestDatabase db;
  storage::Importer importer(&db.database());
  for (const storage::ImportKind kind : {storage::ImportKind::kCustomers, storage::ImportKind::kRecommendations,
                                         storage::ImportKind::kSuggestions, storage::ImportKind::kPurchases}) {
    auto csv = storage::CsvReader::Open(absl::StrCat(folder, "/", storage::ImportKindName(kind), ".csv"));
    ASSERT_THAT(csv, IsOk());
    ASSERT_THAT(importer.Import(kind, **csv), IsOk());
  }
  const auto source = storage::HistorySource::Open(db.database());
  ASSERT_THAT(source, IsOk());
  const auto history = LoadHistory(**source, nullptr);
  ASSERT_THAT(history, IsOk());
  const auto report = ReplayDelays(*history, JourneyConfig(), {}, nullptr);
  ASSERT_THAT(report, IsOk());
  std::printf(
      "%s", absl::StrFormat("%d predicted, %d bought, %d left out, pending share %.3f, before %d\n", report->exposures,
                            report->purchases, report->left_out, report->pending_share, report->training_exposures)
                .c_str());
  ASSERT_EQ(report->methods.size(), 6u);
  const DelayReplayMethod& oracle = report->methods.front();
  EXPECT_EQ(oracle.name, "ORACLE");
  EXPECT_EQ(oracle.excess, 0);
  int64_t of_ticks = 0;
  for (const DelayReplayTick& tick : oracle.ticks) of_ticks += tick.exposures;
  EXPECT_EQ(of_ticks, report->exposures);
  for (const DelayReplayMethod& method : report->methods) {
    std::printf("%s", absl::StrFormat("%-15s log loss %.5f excess %+.5f +- %.5f AUC %.3f predicted/observed %.3f "
                                      "deciles %d of %d\n",
                                      method.name, method.log_loss, method.excess, method.excess_se, method.auc,
                                      method.predicted_over_observed, method.deciles_within, method.deciles)
                          .c_str());
    EXPECT_GT(method.auc, 0.6) << method.name;
    EXPECT_LT(method.log_loss, 0.5) << method.name;
    EXPECT_EQ(method.ticks.size(), oracle.ticks.size()) << method.name;
  }
}

}  // namespace
}  // namespace suggest::learning
