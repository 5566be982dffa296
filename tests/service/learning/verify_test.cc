#include "service/learning/verify.h"

#include "tests/service/learning/learning_fixture.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::Contains;
using ::testing::HasSubstr;

class VerifyTest : public LearningFixture {
 protected:
  void StartWithABucket() {
    Start();
    Expose("ann", "hat", Day(1));
    Expose("bob", "hat", Day(1));
    Buy("p1", "ann", "hat", Day(2), 40);
    Ingest(Day(20));
    ExpectVerified();
  }
  std::vector<std::string> Problems() {
    const auto report = Verify(db_.database(), config_, nullptr);
    EXPECT_THAT(report, IsOk());
    return report.ok() ? report->problems : std::vector<std::string>();
  }
};

TEST_F(VerifyTest, FindsATamperedBucket) {
  StartWithABucket();
  db_.Execute("UPDATE suggest.buckets SET sums = set_byte(sums, 6, get_byte(sums, 6) # 16)");
  EXPECT_THAT(Problems(), Contains(HasSubstr("the bucket differs from its exposures")));
}

TEST_F(VerifyTest, FindsAMissingBucket) {
  StartWithABucket();
  db_.Execute("DELETE FROM suggest.buckets");
  EXPECT_THAT(Problems(), Contains(HasSubstr("the bucket is missing")));
}

TEST_F(VerifyTest, FindsARewardThatNoPurchaseMakes) {
  StartWithABucket();
  db_.Execute("UPDATE suggest.exposures SET reward = 1 WHERE customer_id = 'bob'");
  EXPECT_THAT(Problems(), Contains(HasSubstr("its purchases make 0")));
}

TEST_F(VerifyTest, FindsALedgerThatDoesNotBalance) {
  StartWithABucket();
  db_.Execute("UPDATE suggest.reward_ledger SET value_change = 41");
  EXPECT_THAT(Problems(), Contains(HasSubstr("1 purchases count otherwise")));
}

TEST_F(VerifyTest, FindsAWrongHistory) {
  StartWithABucket();
  db_.Execute("UPDATE suggest.history_days SET exposures = 2 WHERE customer_id = 'bob'");
  EXPECT_THAT(Problems(), Contains(HasSubstr("history days differ")));
}

TEST_F(VerifyTest, FindsAnExposureThatTheModelDoesNotHold) {
  StartWithABucket();
  db_.Execute("DELETE FROM suggest.exposures WHERE customer_id = 'bob'");
  EXPECT_THAT(Problems(), Contains(HasSubstr("model version 2 differs from the ledger")));
}

TEST_F(VerifyTest, RefusesDamagedModelBytes) {
  StartWithABucket();
  db_.Execute("UPDATE suggest.model_versions SET bytes = set_byte(bytes, 40, get_byte(bytes, 40) # 1)");
  EXPECT_THAT(Verify(db_.database(), config_, nullptr), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(VerifyTest, NeedsAModel) {
  EXPECT_THAT(Verify(db_.database(), config_, nullptr), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace suggest::learning
