// A small company for tests of choosing and serving: a schema with all sides, a model made without any learning code,
// a catalogue of six recommendations.
#ifndef TESTS_SERVICE_DECISION_DECISION_FIXTURE_H_
#define TESTS_SERVICE_DECISION_DECISION_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bandit/base/check.h"
#include "bandit/base/random.h"
#include "features/pipeline.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "service/common/config.h"
#include "service/decision/catalogue.h"
#include "service/decision/decider.h"
#include "service/decision/response.h"
#include "service/decision/snapshot.h"
#include "storage/log/decision_id.h"
#include "storage/records.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest::decision {

// One minute after the model's data cut.
inline absl::Time TestNow() {
  return absl::FromUnixSeconds(1'770'000'060);
}
inline absl::Time TestCut() {
  return absl::FromUnixSeconds(1'770'000'000);
}

inline constexpr char kTestConfig[] = R"(
  database { connection: "host=/nonexistent dbname=suggest" }
  features {
    features { name: "pages" side: CUSTOMER numeric { column: "pages" } scaling { center: 5 scale: 3 } }
    features { name: "trade" side: CUSTOMER categorical { column: "trade" vocabulary: ["shop", "blog"] } }
    features { name: "cost" side: RECOMMENDATION numeric { column: "cost" } scaling { center: 20 scale: 10 } }
    features {
      name: "shown" side: PAIR
      counter { event: EXPOSURES count { window_days: 30 clip_max: 5 } }
    }
  }
  learning { base_rate: 0.1 noise_variance: 0.09 }
  money { currency: "EUR" reward_cap: 100 }
)";

// The test configuration with `more` merged into it.
inline std::string TestConfigText(const std::string& more) {
  config::v1::Config config, addition;
  SUGGEST_CHECK(google::protobuf::TextFormat::ParseFromString(kTestConfig, &config));
  SUGGEST_CHECK(google::protobuf::TextFormat::ParseFromString(more, &addition));
  config.MergeFrom(addition);
  return PrintConfig(config);
}

inline config::v1::Config TestConfig(const std::string& more = "") {
  auto config = ParseConfig(TestConfigText(more), "test.textproto");
  SUGGEST_CHECK(config.ok());
  return *config;
}

inline features::Attributes Json(const std::string& json) {
  features::Attributes attributes;
  SUGGEST_CHECK(google::protobuf::util::JsonStringToMessage(json, &attributes).ok());
  return attributes;
}

inline features::CounterSettings TestCounters() {
  features::CounterSettings settings;
  settings.maturity = absl::Hours(24 * 71);
  return settings;
}

inline features::Pipeline TestPipeline() {
  auto pipeline = features::Pipeline::FromSchema(TestConfig().features(), TestCounters());
  SUGGEST_CHECK(pipeline.ok());
  return *std::move(pipeline);
}

// A model whose precision is that of `exposures` random contexts and whose weights are random: enough to rank
// differently for different customers.
inline model::v1::ModelVersion TestModel(int64_t version = 1, int exposures = 200) {
  const features::Pipeline pipeline = TestPipeline();
  const int d = pipeline.layout().dim();
  bandit::CounterRng rng(bandit::Seed{static_cast<uint64_t>(version)}, 0);
  Eigen::MatrixXd precision = Eigen::MatrixXd::Identity(d, d);
  Eigen::VectorXd moment = Eigen::VectorXd::Zero(d);
  moment[0] = 0.1;
  for (int i = 0; i < exposures; ++i) {
    Eigen::VectorXd b(d);
    for (int k = 0; k < d; ++k) b[k] = rng.NextNormal();
    b[0] = 1;
    precision += b * b.transpose();
    moment += (rng.NextUniform() < 0.2 ? 1.0 : 0.0) * b;
  }
  model::v1::ModelVersion model;
  model.set_format(1);
  model.set_version(version);
  *model.mutable_lineage()->mutable_data_cut() = ToTimestamp(TestCut());
  *model.mutable_lineage()->mutable_created_at() = ToTimestamp(TestCut());
  model.mutable_lineage()->set_basis_id(1);
  model.mutable_lineage()->set_origin("test");
  model.mutable_lineage()->set_exposures(exposures);
  *model.mutable_pipeline() = pipeline.ToProto();
  model::v1::PosteriorState* state = model.mutable_posterior();
  state->set_dimension(d);
  for (int row = 0; row < d; ++row) {
    for (int column = 0; column <= row; ++column) state->add_precision(precision(row, column));
    state->add_moment(moment[row]);
  }
  state->set_noise_variance(0.09);
  state->set_ridge(1);
  state->set_intercept_ridge(1);
  state->set_base_rate(0.1);
  auto* counters = model.add_recommendation_counters();
  counters->set_recommendation_id("r4");
  features::DayHistory history;
  history.AddExposure(TestCut() - absl::Hours(48), 10);
  history.AddConversion(TestCut() - absl::Hours(48), 5);
  *counters->mutable_history() = history.ToProto();
  return model;
}

inline storage::RecommendationRecord TestRecommendation(const std::string& id, double cost) {
  storage::RecommendationRecord record;
  record.recommendation_id = id;
  record.title = absl::StrCat("Title of ", id);
  record.attributes_json = absl::StrCat("{\"cost\": ", cost, "}");
  return record;
}

// r1 to r6 with costs 10 to 60; r5 may be bought again.
inline std::vector<storage::RecommendationRecord> TestRecommendations() {
  std::vector<storage::RecommendationRecord> records;
  for (int i = 1; i <= 6; ++i) records.push_back(TestRecommendation(absl::StrCat("r", i), 10.0 * i));
  records[4].repeatable = true;
  return records;
}

inline std::shared_ptr<const Serving> TestServing(
    const std::vector<storage::RecommendationRecord>& records = TestRecommendations(),
    const model::v1::ModelVersion& model = TestModel()) {
  auto snapshot = Snapshot::FromModel(model);
  SUGGEST_CHECK(snapshot.ok());
  auto catalogue = Catalogue::FromRecords(records);
  SUGGEST_CHECK(catalogue.ok());
  auto serving = Serving::Create(*snapshot, *catalogue);
  SUGGEST_CHECK(serving.ok());
  return *serving;
}

inline storage::CustomerState TestCustomer(const std::string& json = R"({"pages": 8, "trade": "shop"})") {
  storage::CustomerState customer;
  customer.attributes = Json(json);
  return customer;
}

inline v1::SuggestRequest TestRequest(int count = 3) {
  v1::SuggestRequest request;
  request.set_customer_id("c1");
  request.set_request_id("q1");
  request.set_count(count);
  return request;
}

inline Draw TestDraw(uint64_t seed, absl::Time now = TestNow()) {
  return {storage::MakeDecisionId(now, seed, seed << 2), seed, now};
}

}  // namespace suggest::decision

#endif  // TESTS_SERVICE_DECISION_DECISION_FIXTURE_H_
