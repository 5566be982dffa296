// Every delay mode in the ledger and in memory.
#include <optional>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/decision/model_codec.h"
#include "service/learning/learner.h"
#include "service/learning/settings.h"
#include "service/learning/verify.h"
#include "tests/service/learning/learning_fixture.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using Mode = config::v1::Learning::DelayMode;

constexpr Mode kModes[] = {config::v1::Learning::EXPOSURE, config::v1::Learning::ES_DFM_LABEL,
                           config::v1::Learning::EXPECTED_LABEL, config::v1::Learning::FAKE_NEGATIVE,
                           config::v1::Learning::WAIT};

struct Event {
  std::string customer;
  std::string recommendation;
  double exposed_on = 0;
  std::optional<double> bought_on;
  double amount = 0;
  std::optional<double> cancelled_on;

  double RewardAt(double day) const {
    const bool counts =
        bought_on.has_value() && *bought_on <= day && !(cancelled_on.has_value() && *cancelled_on <= day);
    return counts ? amount / 100 : 0;
  }
};

std::vector<Event> Events() {
  std::vector<Event> events;
  for (int i = 0; i < 24; ++i) {
    Event event{absl::StrCat("c", i), absl::StrCat("r", i % 5), 0.2 + 0.4 * i, std::nullopt, 10.0 + 3 * i,
                std::nullopt};
    if (i % 3 == 0) event.bought_on = event.exposed_on + 0.3 + 0.35 * i;
    if (i == 6) event.cancelled_on = *event.bought_on + 1.5;
    if (i == 9) event.cancelled_on = event.exposed_on + 14;  // after maturity
    events.push_back(event);
  }
  return events;
}

class DelayModesTest : public LearningFixture, public ::testing::WithParamInterface<Mode> {
 protected:
  DelayModesTest() {
    config_.mutable_learning()->set_delay_mode(GetParam());
    config_.mutable_learning()->set_discount_per_day(0.97);
  }

  // What is visible at a tick, told to the learner: a purchase is seen first at the tick after it.
  void TellMemory(Learner& learner, const std::vector<Event>& events, double before, double now) {
    for (size_t i = 0; i < events.size(); ++i) {
      const Event& event = events[i];
      const auto id = static_cast<int64_t>(i);
      if (event.exposed_on > before && event.exposed_on <= now) {
        const Eigen::VectorXd b = Context(event.customer, event.recommendation);
        ASSERT_THAT(
            learner.BookExposure(id, Day(event.exposed_on), {Eigen::Vector2d(1, b[2]), Eigen::Vector2d(1, b[1]), {}}),
            IsOk());
      }
      const double reward = event.RewardAt(now);
      if (reward == event.RewardAt(before)) continue;
      ASSERT_THAT(learner.SetReward(id, reward, reward > 0 ? Day(now) : Day(*event.cancelled_on)), IsOk());
    }
  }

  void TellDatabase(const std::vector<Event>& events, double before, double now) {
    for (size_t i = 0; i < events.size(); ++i) {
      const Event& event = events[i];
      const std::string purchase = absl::StrCat("p", i);
      if (event.exposed_on > before && event.exposed_on <= now) {
        Expose(event.customer, event.recommendation, Day(event.exposed_on));
      }
      if (event.bought_on.has_value() && *event.bought_on > before && *event.bought_on <= now) {
        Buy(purchase, event.customer, event.recommendation, Day(*event.bought_on), event.amount);
      }
      if (event.cancelled_on.has_value() && *event.cancelled_on > before && *event.cancelled_on <= now) {
        Cancel(purchase, Day(*event.cancelled_on));
      }
    }
  }

  void ExpectSame(const bandit::Posterior& posterior, double day) {
    const model::v1::ModelVersion model = CurrentModel();
    int at = 0;
    for (int i = 0; i < posterior.dim(); ++i) {
      for (int j = 0; j <= i; ++j) {
        EXPECT_NEAR(model.posterior().precision(at++), posterior.precision()(i, j), 1e-9 * posterior.precision().norm())
            << "day " << day;
      }
      EXPECT_NEAR(model.posterior().moment(i), posterior.moment()[i], 1e-9 * posterior.precision().norm())
          << "day " << day;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(All, DelayModesTest, ::testing::ValuesIn(kModes),
                         [](const auto& info) { return config::v1::Learning::DelayMode_Name(info.param); });

TEST_P(DelayModesTest, LedgerAndMemoryHaveTheSamePosterior) {
  Start();
  const std::vector<Event> events = Events();
  Learner learner(LearnerSettingsOf(config_), {.customer_dim = 2, .recommendation_dim = 2}, PriorOf(config_, 0.1),
                  NoiseOf(config_, 0.1));
  for (double day = 1; day <= 26; ++day) {
    TellDatabase(events, day - 1, day);
    TellMemory(learner, events, day - 1, day);
    Ingest(Day(day));
    const auto posterior = learner.Step(Day(day));
    ASSERT_THAT(posterior, IsOk());
    ExpectSame(*posterior, day);
    EXPECT_EQ(CurrentModel().delay().mode(), GetParam());
  }
  ExpectVerified();
}

// Maturity identity, in any split.
TEST_P(DelayModesTest, Test7_OnceMatureTheExactSumsStand) {
  config_.mutable_learning()->set_discount_per_day(1);
  Start();
  std::vector<Taught> exact;
  const std::vector<Event> events = Events();
  double before = 0;
  for (const double day : {0.7, 3.0, 3.1, 8.0, 12.5, 19.0, 40.0}) {
    TellDatabase(events, before, day);
    Ingest(Day(day));
    before = day;
  }
  for (const Event& event : events) exact.push_back({event.customer, event.recommendation, 1, event.RewardAt(40)});
  EXPECT_EQ(CurrentModel().lineage().pending_exposures(), 0);
  ExpectTaught(exact);
  ExpectVerified();
}

// Wherever a run dies, the next one ends where an undisturbed one would have.
TEST_P(DelayModesTest, Test17_KilledBetweenAStepAndItsCommitTheStateIsTheSame) {
  Start();
  TellDatabase(Events(), 0, 12);
  int deaths = 0;
  for (int border = 0;; ++border) {
    Ingester ingester(&db_.database(), config_);
    int commits = 0;
    ingester.set_commit_hook(
        [&](absl::string_view) { return commits++ == border ? absl::UnknownError("killed") : absl::OkStatus(); });
    if (ingester.Run(Day(12), false, nullptr).ok()) break;
    ++deaths;
  }
  EXPECT_GE(deaths, 5);
  const model::v1::ModelVersion killed = CurrentModel();
  db_.Execute("UPDATE suggest.learner SET unpublished = true");
  Ingest(Day(12));
  const model::v1::ModelVersion again = CurrentModel();
  EXPECT_EQ(killed.posterior().SerializeAsString(), again.posterior().SerializeAsString());
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures"), "24");
  ExpectVerified();
}

// A version of an older build, restored or imported.
TEST_F(LearningFixture, VerifyNamesADelayModeThatThisBuildDoesNotKnow) {
  Start();
  model::v1::ModelVersion model = CurrentModel();
  model.mutable_delay()->set_mode(static_cast<Mode>(6));
  const decision::EncodedModel encoded = decision::EncodeModel(model);
  db_.Execute(absl::StrCat("UPDATE suggest.model_versions SET bytes = '\\x", absl::BytesToHexString(encoded.bytes),
                           "', sha256 = '\\x", absl::BytesToHexString(encoded.sha256), "'"));
  EXPECT_THAT(Verify(db_.database(), config_, {}).status(),
              ::suggest::testing::StatusIs(absl::StatusCode::kFailedPrecondition,
                                           ::testing::HasSubstr("counts pending exposures by delay mode 6")));
}

}  // namespace
}  // namespace suggest::learning
