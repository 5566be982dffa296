#include "service/decision/stored_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/decision/model_codec.h"
#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

storage::ModelRow RowOf(int64_t version) {
  const EncodedModel encoded = EncodeModel(TestModel(version));
  storage::ModelRow row;
  row.version = version;
  row.format = encoded.format;
  row.bytes = encoded.bytes;
  row.sha256 = encoded.sha256;
  return row;
}

TEST(StoredModelTest, IsTheModelAndItsSnapshot) {
  const auto stored = ReadModel(RowOf(7));
  ASSERT_THAT(stored, ::suggest::testing::IsOk());
  EXPECT_EQ(stored->model.version(), 7);
  EXPECT_EQ(stored->snapshot->version(), 7);
}

TEST(StoredModelTest, ErrorsNameTheVersion) {
  storage::ModelRow damaged = RowOf(7);
  damaged.bytes.back() ^= 1;
  EXPECT_THAT(ReadModel(damaged),
              StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr("model version 7:"), HasSubstr("SHA-256"))));
  storage::ModelRow another = RowOf(7);
  another.version = 8;
  EXPECT_THAT(ReadModel(another),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("the row of model version 8 holds version 7")));
  storage::ModelRow newer = RowOf(7);
  newer.format = kModelFormat + 1;
  newer.bytes = "whatever a later build writes";
  EXPECT_THAT(ReadModel(newer),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("model version 7 has format 2")));
}

}  // namespace
}  // namespace suggest::decision
