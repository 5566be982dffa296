// A small company in a fresh database: exposures made by hand, purchases inserted as billing would.
//
// The context of (customer, recommendation) is known in closed form, so what the learner must hold is a plain sum over
// the events that the test itself has made.
#ifndef TESTS_SERVICE_LEARNING_LEARNING_FIXTURE_H_
#define TESTS_SERVICE_LEARNING_LEARNING_FIXTURE_H_

#include <Eigen/Core>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/learning/ingester.h"
#include "service/learning/verify.h"
#include "suggest/config/v1/config.pb.h"
#include "suggest/model/v1/model.pb.h"
#include "suggest/v1/suggestion_service.pb.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::learning {

// The folder of the Complete Journey data; "" where it is absent.
std::string DataFolder();

class LearningFixture : public ::testing::Test {
 protected:
  LearningFixture();

  // 2026-03-02T00:00Z + days.
  static absl::Time Day(double days);

  // Makes version 1 from the schema alone.
  void Start();

  // One decision with one slot, of which the expert says at `at` what `kind` says. Returns the suggestion's id.
  std::string Expose(const std::string& customer, const std::string& recommendation, absl::Time at,
                     suggest::v1::RecordFeedbackRequest::Kind kind = suggest::v1::RecordFeedbackRequest::KEPT);
  // The version of a catalogue in which the recommendation follows another one.
  std::string CatalogueOf(const std::string& recommendation);
  // The decision alone, out of that catalogue.
  std::string Decide(const std::string& customer, const std::string& recommendation, absl::Time at);
  void Feedback(const std::string& customer, const std::string& suggestion_id, absl::Time at,
                suggest::v1::RecordFeedbackRequest::Kind kind);

  struct Bill {
    std::string currency = "";
    std::string suggestion_id = "";
  };
  void Buy(const std::string& purchase, const std::string& customer, const std::string& recommendation, absl::Time at,
           double amount, const Bill& bill = {"", ""});
  static std::string BuySql(const std::string& purchase, const std::string& customer, const std::string& recommendation,
                            absl::Time at, double amount, const Bill& bill = {"", ""});
  void Cancel(const std::string& purchase, absl::Time at);

  // Runs to the end and expects no error.
  suggest::v1::IngestRewardsResponse Ingest(absl::Time now);
  model::v1::ModelVersion CurrentModel();

  // b of the pair.
  static Eigen::VectorXd Context(const std::string& customer, const std::string& recommendation);

  struct Taught {
    std::string customer;
    std::string recommendation;
    double weight = 1;
    double reward = 0;
  };
  // The current version's sums are the prior and these, to 1e-10 of their norms.
  void ExpectTaught(const std::vector<Taught>& events);
  void ExpectVerified();

  std::string One(const std::string& sql) { return db_.QueryOne(sql); }

  suggest::testing::TestDatabase db_;
  config::v1::Config config_;
  int decisions_ = 0;
  bool logs_encodings_ = false;  // as suggestd once did
  bool saves_catalogues_ = true;
  double unit_ = 1;  // of the customer's encoded value, as decisions log it
  int place_ = 1;    // in the catalogue, as decisions log it
};

}  // namespace suggest::learning

#endif  // TESTS_SERVICE_LEARNING_LEARNING_FIXTURE_H_
