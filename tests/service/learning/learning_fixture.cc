#include "tests/service/learning/learning_fixture.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/text_format.h"
#include "service/common/config.h"
#include "service/decision/catalogue.h"
#include "service/decision/model_codec.h"
#include "service/learning/warm_start.h"
#include "storage/log/decision_id.h"
#include "storage/log/decision_store.h"
#include "storage/log/feedback_store.h"
#include "storage/models/model_store.h"
#include "storage/source/catalogue_store.h"
#include "tests/support/append_decision.h"

namespace suggest::learning {
namespace {

constexpr char kConfig[] = R"pb(
  database { connection: "unused" }
  features {
    features {
      name: "size"
      side: CUSTOMER
      numeric { column: "size" }
      scaling { scale: 1 }
      passes_by: true
    }
    features {
      name: "price"
      side: RECOMMENDATION
      numeric { column: "price" }
      scaling { scale: 1 }
      passes_by: true
    }
  }
  learning {
    attribution_window { seconds: 864000 }
    grace { seconds: 86400 }
    learning_window { seconds: 8640000 }
    delay_mode: FAKE_NEGATIVE
    base_rate: 0.1
    ridge: 2
    intercept_ridge: 0.5
    noise_variance: 0.09
    chunk_rows: 3
  }
  money {
    currency: "EUR"
    reward_cap: 100
    conversion { key: "USD" value: 0.5 }
  }
)pb";

// Any fixed numbers that differ by name; floats, as the encoder makes them.
double Value(const std::string& name) {
  double value = 0.1;
  for (char c : name) value = value * 0.37 + static_cast<double>(c) / 100;
  return static_cast<float>(value);
}

std::string Sql(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E6S+00", time, absl::UTCTimeZone());
}

}  // namespace

std::string DataFolder() {
  const char* const named = std::getenv("SUGGEST_TEST_DATA");
  const std::string folder = named != nullptr ? named : absl::StrCat(SUGGEST_SOURCE_DIR, "/../shared/data");
  return std::filesystem::exists(folder + "/complete_journey/suggestions.csv") ? folder + "/complete_journey" : "";
}

LearningFixture::LearningFixture() {
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kConfig, &config_));
  config_ = WithDefaults(std::move(config_));
  EXPECT_THAT(ValidateConfig(config_), testing::IsOk());
}

absl::Time LearningFixture::Day(double days) {
  return absl::FromUnixSeconds(1772409600) + days * kDay;
}

void LearningFixture::Start() {
  WarmStartOptions options;
  options.empty = true;
  ASSERT_THAT(RunWarmStart(db_.database(), config_, options, Day(0), nullptr), testing::IsOk());
}

std::string LearningFixture::CatalogueOf(const std::string& recommendation) {
  storage::RecommendationRecord record{.recommendation_id = recommendation,
                                       .title = recommendation,
                                       .active_from = std::nullopt,
                                       .active_until = std::nullopt,
                                       .attributes = {},
                                       .attributes_json = absl::StrFormat("{\"price\": %.17g}", Value(recommendation))};
  storage::RecommendationRecord other = record;
  other.recommendation_id = "!";  // before every other
  other.attributes_json = "{\"price\": -1000}";
  const auto catalogue = decision::Catalogue::FromRecords({record, other});
  EXPECT_THAT(catalogue, testing::IsOk());
  if (saves_catalogues_) {
    storage::CatalogueStore store(&db_.database());
    EXPECT_THAT(store.SaveVersion((*catalogue)->version(), (*catalogue)->bytes(), Day(0)), testing::IsOk());
  }
  return (*catalogue)->version();
}

std::string LearningFixture::Decide(const std::string& customer, const std::string& recommendation, absl::Time at) {
  storage::DecisionRecord decision;
  decision.decision_id = storage::MakeDecisionId(at, ++decisions_, 7);
  decision.customer_id = customer;
  decision.request_id = absl::StrCat("r", decisions_);
  decision.decided_at = at;
  decision.policy = suggest::v1::THOMPSON;
  decision.model_version = 1;
  decision.catalogue_version = CatalogueOf(recommendation);
  decision.recommendation_ids = {recommendation};
  decision.inputs.add_customer(1);
  decision.inputs.add_customer(static_cast<float>(Value(customer) * unit_));
  decision.inputs.add_slate(place_);
  if (logs_encodings_) {
    decision.inputs.add_recommendations(1);
    decision.inputs.add_recommendations(Value(recommendation));
  }
  storage::DecisionStore store(&db_.database());
  EXPECT_THAT(suggest::testing::Append(store, decision), testing::IsOk());
  return storage::MakeSuggestionId(decision.decision_id, 1);
}

void LearningFixture::Feedback(const std::string& customer, const std::string& suggestion_id, absl::Time at,
                               suggest::v1::RecordFeedbackRequest::Kind kind) {
  storage::FeedbackStore store(&db_.database());
  EXPECT_THAT(store.Record({customer, suggestion_id, kind, at}, at), testing::IsOk());
}

std::string LearningFixture::Expose(const std::string& customer, const std::string& recommendation, absl::Time at,
                                    suggest::v1::RecordFeedbackRequest::Kind kind) {
  const std::string suggestion_id = Decide(customer, recommendation, at);
  Feedback(customer, suggestion_id, at, kind);
  return suggestion_id;
}

std::string LearningFixture::BuySql(const std::string& purchase, const std::string& customer,
                                    const std::string& recommendation, absl::Time at, double amount, const Bill& bill) {
  return absl::StrFormat(
      "INSERT INTO builtin.purchases (purchase_id, customer_id, recommendation_id, purchased_at, amount, currency, "
      "suggestion_id) VALUES ('%s', '%s', '%s', '%s', %.10g, nullif('%s', ''), nullif('%s', ''))",
      purchase, customer, recommendation, Sql(at), amount, bill.currency, bill.suggestion_id);
}

void LearningFixture::Buy(const std::string& purchase, const std::string& customer, const std::string& recommendation,
                          absl::Time at, double amount, const Bill& bill) {
  db_.Execute(BuySql(purchase, customer, recommendation, at, amount, bill));
}

void LearningFixture::Cancel(const std::string& purchase, absl::Time at) {
  db_.Execute(
      absl::StrFormat("UPDATE builtin.purchases SET cancelled_at = '%s' WHERE purchase_id = '%s'", Sql(at), purchase));
}

suggest::v1::IngestRewardsResponse LearningFixture::Ingest(absl::Time now) {
  const auto response = Ingester(&db_.database(), config_).Run(now, false, nullptr);
  EXPECT_THAT(response, testing::IsOk());
  return response.ok() ? *response : suggest::v1::IngestRewardsResponse();
}

model::v1::ModelVersion LearningFixture::CurrentModel() {
  storage::ModelStore store(&db_.database());
  const auto version = store.Current();
  EXPECT_THAT(version, testing::IsOk());
  const auto row = store.Load(*version);
  EXPECT_THAT(row, testing::IsOk());
  const auto model = decision::DecodeModel(row->bytes, row->sha256);
  EXPECT_THAT(model, testing::IsOk());
  return *model;
}

Eigen::VectorXd LearningFixture::Context(const std::string& customer, const std::string& recommendation) {
  const double c = Value(customer), r = Value(recommendation);
  return (Eigen::VectorXd(4) << 1, r, c, c * r).finished();
}

void LearningFixture::ExpectTaught(const std::vector<Taught>& events) {
  Eigen::MatrixXd precision = Eigen::Vector4d(0.5, 2, 2, 2).asDiagonal();
  Eigen::VectorXd moment = Eigen::Vector4d(0.5 * 0.1, 0, 0, 0);
  for (const Taught& event : events) {
    const Eigen::VectorXd b = Context(event.customer, event.recommendation);
    precision += event.weight * b * b.transpose();
    moment += event.reward * b;
  }
  const model::v1::ModelVersion model = CurrentModel();
  ASSERT_EQ(model.posterior().dimension(), 4);
  int at = 0;
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j <= i; ++j) {
      EXPECT_NEAR(model.posterior().precision(at++), precision(i, j), 1e-10 * precision.norm()) << i << ", " << j;
    }
    EXPECT_NEAR(model.posterior().moment(i), moment[i], 1e-10 * (1 + moment.norm())) << i;
  }
}

void LearningFixture::ExpectVerified() {
  const auto report = Verify(db_.database(), config_, nullptr);
  ASSERT_THAT(report, testing::IsOk());
  EXPECT_TRUE(report->ok()) << absl::StrJoin(report->problems, "\n");
}

}  // namespace suggest::learning
