#include "service/learning/warm_start.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "bandit/model/posterior.h"
#include "google/protobuf/text_format.h"
#include "service/common/config.h"
#include "service/learning/training.h"
#include "storage/source/csv.h"
#include "storage/source/history_source.h"
#include "storage/source/importer.h"
#include "tests/service/learning/learning_fixture.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

class WarmStartTest : public LearningFixture {
 protected:
  // Two customers, two recommendations, an exposure a day, every third of them bought.
  void FillHistory() {
    db_.Execute(
        "INSERT INTO builtin.customers SELECT 'c' || i, '2026-01-01', jsonb_build_object('size', i) "
        "FROM generate_series(1, 12) i;"
        "INSERT INTO builtin.recommendations (recommendation_id, title, attributes) "
        "SELECT 'r' || i, 'R', jsonb_build_object('price', i) FROM generate_series(1, 4) i;"
        "INSERT INTO builtin.suggestions (customer_id, suggestion_id, recommendation_id, decided_at, status) "
        "SELECT 'c' || 1 + i % 12, 's' || i, 'r' || 1 + i * 5 % 4, timestamptz '2026-03-02 00:00+00' + i * '1 "
        "day'::interval, "
        "'SENT' FROM generate_series(1, 60) i;"
        "INSERT INTO builtin.purchases (customer_id, purchase_id, recommendation_id, purchased_at, amount) "
        "SELECT customer_id, 'p' || suggestion_id, recommendation_id, decided_at + '3 days'::interval, 50 "
        "FROM builtin.suggestions WHERE substr(suggestion_id, 2)::integer % 3 = 0");
  }
  absl::StatusOr<model::v1::WarmStartReport> Run(const WarmStartOptions& options) {
    return RunWarmStart(db_.database(), config_, options, Day(70), nullptr);
  }
};

TEST_F(WarmStartTest, BadRowsOfEveryViewAreSetAsideAndTheRestIsLearned) {
  FillHistory();
  db_.Execute(
      "UPDATE builtin.customers SET attributes = '{\"size\": \"NaN\"}' WHERE customer_id = 'c3';"
      "INSERT INTO builtin.suggestions (customer_id, suggestion_id, recommendation_id, decided_at, status) VALUES "
      "('c1', 'x1', 'gone', '2026-03-05', 'SENT'), ('nobody', 'x2', 'r1', '2026-03-05', 'SENT'), "
      "('c1', 'x3', 'r1', '2026-03-05', 'LOST');"
      "CREATE OR REPLACE VIEW source.suggestions AS SELECT * FROM (SELECT suggestion_id, customer_id, "
      "recommendation_id, "
      "decided_at, status, propensity FROM builtin.suggestions UNION ALL SELECT suggestion_id, customer_id, "
      "recommendation_id, decided_at, status, propensity FROM builtin.suggestions WHERE suggestion_id IN ('s1', 's2') "
      "UNION ALL SELECT 'x4', NULL, 'r1', '2026-03-05', 'SENT', NULL) s;"
      "CREATE OR REPLACE VIEW source.customers AS SELECT * FROM (SELECT customer_id, valid_from, attributes FROM "
      "builtin.customers UNION ALL SELECT customer_id, valid_from, attributes FROM builtin.customers) c;"
      "CREATE OR REPLACE VIEW source.purchases AS SELECT * FROM (SELECT purchase_id, customer_id, recommendation_id, "
      "purchased_at, amount, currency, suggestion_id, visible_at, cancelled_at FROM builtin.purchases UNION ALL "
      "SELECT purchase_id, customer_id, recommendation_id, purchased_at, amount, currency, suggestion_id, visible_at, "
      "cancelled_at FROM builtin.purchases WHERE purchase_id = 'ps30') p");
  const auto report = Run({});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->exposures(), 60);
  EXPECT_EQ(report->purchases(), 20);
  int64_t set_aside = 0;
  for (const model::v1::SetAside& group : report->set_aside()) set_aside += group.rows();
  EXPECT_EQ(set_aside, 3 + 2 + 1 + 12 + 1);
  ASSERT_EQ(report->unreadable_values_size(), 1);
  EXPECT_THAT(report->unreadable_values(0).examples(), ::testing::ElementsAre("customer c3: \"NaN\" is not a number"));
  ExpectVerified();
}

TEST_F(WarmStartTest, MoreSetAsideThanTheConfiguredShareFailsAndStoresNothing) {
  FillHistory();
  db_.Execute("DELETE FROM builtin.recommendations WHERE recommendation_id IN ('r1', 'r2', 'r3')");
  EXPECT_THAT(Run({}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                HasSubstr("45 of 60 rows set aside: its recommendation is not in")));
  EXPECT_EQ(One("SELECT count(*) FROM suggest.model_versions"), "0");
  config_.mutable_learning()->set_max_set_aside_share(1);
  const auto report = Run({});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->exposures(), 15);
  ExpectVerified();
}

TEST_F(WarmStartTest, PublishesWhatTheInMemoryLearnerLearns) {
  config_.mutable_learning()->set_delay_mode(config::v1::Learning::EXPOSURE);
  FillHistory();
  for (const char* purchase : {"ps30", "ps54", "ps57"}) {  // refunds shape the delay law too
    db_.Execute(absl::StrCat("UPDATE builtin.purchases SET cancelled_at = purchased_at + '1 day'::interval ",
                             "WHERE purchase_id = '", purchase, "'"));
  }
  const auto report = Run({});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->model_version(), 1);
  EXPECT_EQ(report->exposures(), 60);
  EXPECT_EQ(report->purchases(), 17);
  EXPECT_FALSE(report->has_propensities());
  EXPECT_EQ(report->held_out().exposures() + report->held_out().training_exposures(), 60);
  EXPECT_EQ(report->held_out().calibration_size(), 10);
  EXPECT_GT(report->held_out().base_rate_log_loss(), 0);
  ExpectVerified();

  const auto source = storage::HistorySource::Open(db_.database());
  ASSERT_THAT(source, IsOk());
  const auto history = LoadHistory(**source, nullptr);
  ASSERT_THAT(history, IsOk());
  const auto timeline = BuildTimeline(*history, config_);
  ASSERT_THAT(timeline, IsOk());
  const model::v1::ModelVersion model = CurrentModel();
  const absl::Time cut = absl::FromUnixSeconds(model.lineage().data_cut().seconds());
  const auto training = TrainAt(*history, *timeline, config_, cut, nullptr, nullptr);
  ASSERT_THAT(training, IsOk());
  const auto learned = PosteriorAt(*training, *timeline, config_, cut, nullptr);
  ASSERT_THAT(learned, IsOk());
  const bandit::Posterior* const posterior = &learned->posterior;
  ASSERT_EQ(model.posterior().dimension(), posterior->dim());
  int at = 0;
  for (int i = 0; i < posterior->dim(); ++i) {
    for (int j = 0; j <= i; ++j) {
      EXPECT_NEAR(model.posterior().precision(at++), posterior->precision()(i, j),
                  1e-10 * posterior->precision().norm());
    }
    EXPECT_NEAR(model.posterior().moment(i), posterior->moment()[i], 1e-10 * posterior->moment().norm());
  }
}

TEST_F(WarmStartTest, WithoutAPurchaseWhatCannotBeMeasuredIsNotANumber) {
  FillHistory();
  db_.Execute("DELETE FROM builtin.purchases");
  const auto report = Run({});
  ASSERT_THAT(report, IsOk());
  const model::v1::HeldOut& held_out = report->held_out();
  for (const double undefined : {held_out.auc(), held_out.auc_se(), held_out.popularity_auc(),
                                 held_out.predicted_over_observed(), held_out.value().predicted_over_observed()}) {
    EXPECT_TRUE(std::isnan(undefined)) << undefined;
  }
  EXPECT_GT(held_out.log_loss(), 0);
  EXPECT_EQ(held_out.value().mean_observed(), 0);
  EXPECT_TRUE(std::isnan(held_out.value().calibration(0).upper()));
  ExpectVerified();
}

// Every third of 60 exposures was bought for 50 of at most 100: the chance is a third, the value 50 / 3.
TEST_F(WarmStartTest, ChanceAndValueAreReportedApartEachInItsUnit) {
  FillHistory();
  const auto report = Run({});
  ASSERT_THAT(report, IsOk());
  const model::v1::HeldOut& held_out = report->held_out();
  const model::v1::ValueHeldOut& value = held_out.value();
  const double cap = config_.money().reward_cap();
  EXPECT_EQ(value.currency(), config_.money().currency());
  const double worth = std::min(50.0, cap);
  EXPECT_NEAR(value.worth(), worth, 1e-12);
  EXPECT_NEAR(held_out.mean_observed(), static_cast<double>(held_out.purchases()) / held_out.exposures(), 1e-12);
  EXPECT_NEAR(value.mean_observed(), worth * held_out.mean_observed(), 1e-12);
  ASSERT_EQ(value.calibration_size(), held_out.calibration_size());
  for (int i = 0; i < value.calibration_size(); ++i) {
    EXPECT_LE(value.calibration(i).lower(), value.calibration(i).observed());
    EXPECT_GE(value.calibration(i).upper(), value.calibration(i).observed());
    EXPECT_GE(held_out.calibration(i).mean_predicted(), held_out.floor());
  }
  EXPECT_EQ(value.best_tenth_observed(), value.calibration(9).observed());
  EXPECT_EQ(held_out.best_tenth_predicted(), held_out.calibration(9).mean_predicted());
  EXPECT_NEAR(held_out.brier_skill(), value.skill(), 0.2) << "all purchases are worth the same";
}

TEST_F(WarmStartTest, ARidgeThatIsNotConfiguredIsKeptWithItsLine) {
  FillHistory();
  db_.Execute(  // four a day, so that more than 100 are mature at the end
      "INSERT INTO builtin.suggestions (customer_id, suggestion_id, recommendation_id, decided_at, status) "
      "SELECT 'c' || 1 + (i + n * 3) % 12, 't' || i || 'x' || n, 'r' || 1 + (i + n) % 4, "
      "timestamptz '2026-03-02 01:00+00' + i * '1 day'::interval, 'SENT' "
      "FROM generate_series(1, 60) i, generate_series(1, 3) n ON CONFLICT DO NOTHING");
  config_.mutable_learning()->set_ridge(0);
  const auto report = Run({});
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->ridge().configured());
  const model::v1::ModelVersion first = CurrentModel();
  EXPECT_GT(first.posterior().ridge(), 0);
  ExpectVerified();
  Cancel("ps60", Day(66));
  Ingest(Day(67));
  EXPECT_EQ(CurrentModel().posterior().ridge(), first.posterior().ridge());
  EXPECT_EQ(CurrentModel().lineage().ridge_exposures(), first.lineage().ridge_exposures());
  ExpectVerified();
}

TEST_F(WarmStartTest, TheNextIngestFindsNothingThatTheWarmStartBooked) {
  FillHistory();
  ASSERT_THAT(Run({}), IsOk());
  const auto response = Ingest(absl::FromUnixSeconds(CurrentModel().lineage().data_cut().seconds()));
  EXPECT_TRUE(response.nothing_to_do());
  Cancel("ps60", Day(66));
  EXPECT_EQ(Ingest(Day(67)).counts().refunds(), 1);
  ExpectVerified();
}

TEST_F(WarmStartTest, ALiveCompanyCanIngestMinutesAfterItsWarmStart) {
  FillHistory();
  db_.Execute("UPDATE builtin.suggestions SET decided_at = decided_at + '10 hours'::interval");
  const absl::Time now = Day(60) + absl::Hours(10) + absl::Minutes(1);  // the last suggestion was a minute ago
  ASSERT_THAT(RunWarmStart(db_.database(), config_, {}, now, nullptr), IsOk());
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures"), "60");
  EXPECT_THAT(Ingester(&db_.database(), config_).Run(now + absl::Minutes(4), false, nullptr), IsOk());
  ExpectVerified();
}

TEST_F(WarmStartTest, ARowOfTheFarFutureDoesNotStopTheIngest) {
  FillHistory();
  db_.Execute(
      "UPDATE builtin.purchases SET purchased_at = '2099-01-01' WHERE purchase_id = 'ps60';"
      "UPDATE builtin.purchases SET visible_at = 'infinity' WHERE purchase_id = 'ps57';"
      "UPDATE builtin.purchases SET purchased_at = 'infinity' WHERE purchase_id = 'ps54';"
      "UPDATE builtin.purchases SET purchased_at = '-infinity' WHERE purchase_id = 'ps51'");
  ASSERT_THAT(Run({}), IsOk());
  EXPECT_EQ(absl::FromUnixSeconds(CurrentModel().lineage().data_cut().seconds()), Day(61));  // the real last: s60
  Ingest(Day(71));
  ExpectVerified();
}

TEST_F(WarmStartTest, AnExplicitDataCutBooksOnlyExposuresBeforeIt) {
  FillHistory();
  WarmStartOptions options;
  options.data_cut = Day(41);
  ASSERT_THAT(Run(options), IsOk());
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures"), "40");
  ExpectVerified();
}

TEST_F(WarmStartTest, HistoriesOlderThanTheLearningWindowKeepTheirConversions) {
  FillHistory();
  db_.Execute(
      "UPDATE builtin.customers SET valid_from = '-infinity';"
      "UPDATE builtin.suggestions SET decided_at = decided_at - substr(suggestion_id, 2)::integer * "
      "'11 days'::interval;"
      "UPDATE builtin.purchases SET purchased_at = purchased_at - substr(purchase_id, 3)::integer * "
      "'11 days'::interval");
  config_.mutable_learning()->mutable_learning_window()->set_seconds(365 * 86400);
  ASSERT_THAT(Run({}), IsOk());
  const auto source = storage::HistorySource::Open(db_.database());
  ASSERT_THAT(source, IsOk());
  const auto history = LoadHistory(**source, nullptr);
  ASSERT_THAT(history, IsOk());
  const auto timeline = BuildTimeline(*history, config_);
  ASSERT_THAT(timeline, IsOk());
  int conversions = 0;
  for (const HistoryEvent& event : timeline->events) {
    if (event.kind == HistoryEvent::Kind::kConversion) conversions += event.change;
  }
  EXPECT_EQ(conversions, 20);
  EXPECT_EQ(One("SELECT sum(conversions) FROM suggest.history_days"), absl::StrCat(conversions));
  EXPECT_EQ(One("SELECT sum(purchases) FROM suggest.history_days"), "20");
  ExpectVerified();
}

TEST_F(WarmStartTest, ADryRunReportsAndPublishesNothing) {
  FillHistory();
  WarmStartOptions options;
  options.dry_run = true;
  const auto report = Run(options);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->model_version(), 0);
  EXPECT_EQ(report->exposures(), 60);
  EXPECT_EQ(One("SELECT count(*) FROM suggest.model_versions"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures"), "0");
}

TEST_F(WarmStartTest, ReplacesAModelOnlyWhenAsked) {
  FillHistory();
  ASSERT_THAT(Run({}), IsOk());
  EXPECT_THAT(Run({}), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("version 1")));
  WarmStartOptions options;
  options.replace = true;
  const auto report = Run(options);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->model_version(), 2);
  EXPECT_EQ(report->basis_id(), 2);
  ExpectVerified();
}

TEST_F(WarmStartTest, WithoutHistoryItSaysSo) {
  EXPECT_THAT(Run({}), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no exposure")));
  WarmStartOptions options;
  options.cut_share = 1;
  EXPECT_THAT(Run(options), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cut_share is 1")));
}

TEST_F(WarmStartTest, EmptyMakesThePriorFromTheSchemaAlone) {
  Start();
  ExpectTaught({});
  EXPECT_EQ(CurrentModel().lineage().origin(), "warm-start --empty");
  ExpectVerified();
}

TEST_F(WarmStartTest, EmptyNeedsABaseRate) {
  config_.mutable_learning()->set_base_rate(0);
  WarmStartOptions options;
  options.empty = true;
  EXPECT_THAT(Run(options), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("learning.base_rate")));
}

// The folder of the public data, or empty.
TEST_F(WarmStartTest, PredictsCouponRedemptionsOfCompleteJourney) {
  const std::string folder = DataFolder();
  if (folder.empty()) GTEST_SKIP() << "the Complete Journey data is absent: set SUGGEST_TEST_DATA to its parent folder";
  const auto config = LoadConfig(absl::StrCat(SUGGEST_SOURCE_DIR, "/deploy/complete_journey/suggest.textproto"));
  ASSERT_THAT(config, IsOk());
  config_ = *config;
  storage::Importer importer(&db_.database());
  for (const storage::ImportKind kind : {storage::ImportKind::kCustomers, storage::ImportKind::kRecommendations,
                                         storage::ImportKind::kSuggestions, storage::ImportKind::kPurchases}) {
    const std::string path = absl::StrCat(folder, "/", storage::ImportKindName(kind), ".csv");
    auto csv = storage::CsvReader::Open(path);
    ASSERT_THAT(csv, IsOk());
    ASSERT_THAT(importer.Import(kind, **csv), IsOk());
  }
  const auto report = Run({});
  ASSERT_THAT(report, IsOk());
  std::string text;
  google::protobuf::TextFormat::PrintToString(*report, &text);
  std::printf("%s", text.c_str());
  EXPECT_EQ(report->exposures(), 6589);
  EXPECT_EQ(report->purchases(), 792);
  EXPECT_GE(report->held_out().auc(), 0.74);
  EXPECT_GE(report->held_out().complete().auc(), 0.74);
  EXPECT_GE(report->held_out().complete().deciles_within(), 7);
  EXPECT_GE(report->held_out().complete().predicted_over_observed(), 0.8);
  EXPECT_LE(report->held_out().complete().predicted_over_observed(), 1.25);
  EXPECT_LT(report->held_out().log_loss(), report->held_out().base_rate_log_loss());
  ExpectVerified();
}

}  // namespace
}  // namespace suggest::learning
