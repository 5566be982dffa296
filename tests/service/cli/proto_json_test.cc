#include "service/cli/proto_json.h"

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/decision.pb.h"
#include "suggest/model/v1/model.pb.h"
#include "suggest/v1/learning_service.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::cli {
namespace {

template <typename M>
std::string JsonOf(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return PrintJson(ProtoToJson(message));
}

TEST(ProtoJsonTest, PrintsEveryFieldUnderItsProtoName) {
  EXPECT_EQ(JsonOf<v1::ListModelsRequest>(""), "{\n  \"limit\": 0\n}\n");
  EXPECT_EQ(JsonOf<v1::IngestRewardsResponse>("model_version: 9007199254740993 seconds: 0.5"), R"({
  "model_version": 9007199254740993,
  "counts": null,
  "seconds": 0.5,
  "nothing_to_do": false,
  "statement_seconds": 0.0,
  "warnings": []
}
)");
}

TEST(ProtoJsonTest, PrintsSeedsAsStringsEnumsByNameTimesInUtcAndDurationsInSeconds) {
  EXPECT_EQ(JsonOf<v1::ExplainResponse>(R"(policy: THOMPSON seed: 18446744073709551615
                                           decided_at { seconds: 1767225600 nanos: 250000000 }
                                           model_age { seconds: 3600 nanos: 500000000 })"),
            R"({
  "decision_id": "",
  "policy": "THOMPSON",
  "model_version": 0,
  "seed": "18446744073709551615",
  "explore": false,
  "matches_log": false,
  "candidates": [],
  "decided_at": "2026-01-01T00:00:00.25Z",
  "model_age": 3600.5,
  "superseded_by": ""
}
)");
}

TEST(ProtoJsonTest, PrintsStructsAsTheJsonTheyMean) {
  const std::string json = JsonOf<google::protobuf::Struct>(R"(
      fields { key: "goals" value { list_value { values { string_value: "sell" } values { number_value: 2 } } } }
      fields { key: "gone" value { null_value: NULL_VALUE } })");
  EXPECT_NE(json.find("\"goals\": [\n    \"sell\",\n    2.0\n  ]"), std::string::npos) << json;
  EXPECT_NE(json.find("\"gone\": null"), std::string::npos) << json;
}

TEST(ProtoJsonTest, PrintsMapsAsObjectsAndBytesInHexadecimal) {
  const std::string money = JsonOf<config::v1::Money>(R"(currency: "EUR" conversion { key: "USD" value: 0.9 })");
  EXPECT_NE(money.find("\"conversion\": {\n    \"USD\": 0.9\n  }"), std::string::npos) << money;
  const std::string lineage = JsonOf<model::v1::Lineage>(R"(buckets_sha256: "\x01\xff")");
  EXPECT_NE(lineage.find("\"buckets_sha256\": \"01ff\""), std::string::npos) << lineage;
}

TEST(ProtoJsonTest, PrintsRepeatedNumbersAndMessages) {
  const std::string json = JsonOf<model::v1::DecisionInputs>("customer: 1 customer: 0.5 candidates: 3");
  const std::string catalogue = JsonOf<model::v1::CatalogueVersion>("entries { title: \"T\" }");
  EXPECT_NE(json.find("\"customer\": [\n    1.0,\n    0.5\n  ]"), std::string::npos) << json;
  EXPECT_NE(json.find("\"candidates\": [\n    3\n  ]"), std::string::npos) << json;
  EXPECT_NE(catalogue.find("\"title\": \"T\""), std::string::npos) << catalogue;
}

}  // namespace
}  // namespace suggest::cli
