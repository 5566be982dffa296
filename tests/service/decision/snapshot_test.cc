#include "service/decision/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(SnapshotTest, HoldsTheModelsPosteriorPipelineAndHistories) {
  const model::v1::ModelVersion model = TestModel(3);
  const auto snapshot = Snapshot::FromModel(model);
  ASSERT_THAT(snapshot, ::suggest::testing::IsOk());
  EXPECT_EQ((*snapshot)->version(), 3);
  EXPECT_EQ((*snapshot)->data_cut(), TestCut());
  EXPECT_EQ((*snapshot)->layout(), TestPipeline().layout());
  EXPECT_EQ((*snapshot)->term_names().size(), static_cast<size_t>((*snapshot)->layout().dim()));
  EXPECT_EQ((*snapshot)->posterior().precision()(2, 1), model.posterior().precision(4));
  EXPECT_EQ((*snapshot)->posterior().precision()(1, 2), model.posterior().precision(4));
  EXPECT_EQ((*snapshot)->HistoryOf("r4").days.size(), 1u);
  EXPECT_TRUE((*snapshot)->HistoryOf("r1").empty());
}

TEST(SnapshotTest, ATriangleOfAnotherLengthIsDataLoss) {
  model::v1::ModelVersion model = TestModel(3);
  model.mutable_posterior()->add_precision(1);
  EXPECT_THAT(Snapshot::FromModel(model),
              StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr("model version 3"), HasSubstr("precision"))));
}

TEST(SnapshotTest, APosteriorOfAnotherDimensionThanItsPipelineIsDataLoss) {
  model::v1::ModelVersion model = TestModel(3);
  model::v1::PosteriorState* state = model.mutable_posterior();
  state->clear_precision();
  state->clear_moment();
  state->set_dimension(1);
  state->add_precision(1);
  state->add_moment(1);
  EXPECT_THAT(Snapshot::FromModel(model), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("dimension 1")));
}

TEST(SnapshotTest, APipelineThatCannotBeReadIsDataLoss) {
  model::v1::ModelVersion model = TestModel(3);
  model.mutable_pipeline()->mutable_customer()->clear_columns();
  EXPECT_THAT(Snapshot::FromModel(model), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("model version 3")));
}

TEST(SnapshotTest, APrecisionThatIsNotPositiveDefiniteIsRefused) {
  model::v1::ModelVersion model = TestModel(3);
  model.mutable_posterior()->set_precision(0, -1);
  EXPECT_FALSE(Snapshot::FromModel(model).ok());
}

}  // namespace
}  // namespace suggest::decision
