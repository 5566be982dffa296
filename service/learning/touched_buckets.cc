#include "service/learning/touched_buckets.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"

namespace suggest::learning {
namespace {

// Days held at a time: 0.7 MB each at d = 289.
constexpr size_t kMaxHeld = 64;

Eigen::VectorXd ToVector(const std::vector<float>& values) {
  return Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size())).cast<double>();
}

std::vector<float> ToFloats(const Eigen::VectorXd& values) {
  return {values.begin(), values.end()};
}

}  // namespace

bandit::FactoredContext ToFactored(const storage::StoredContext& stored) {
  return {ToVector(stored.customer), ToVector(stored.recommendation), ToVector(stored.pair)};
}

storage::StoredContext ToStored(const bandit::FactoredContext& context) {
  return {ToFloats(context.customer), ToFloats(context.recommendation), ToFloats(context.pair)};
}

absl::StatusOr<bandit::SufficientStatistics> ToSums(const storage::BucketRow& row) {
  return bandit::SufficientStatistics::FromParts({.lower = row.lower,
                                                  .moment = row.moment,
                                                  .weight = row.weight,
                                                  .count = row.count,
                                                  .reward_sum = row.reward_sum,
                                                  .reward_square_sum = row.reward_square_sum});
}

storage::BucketRow ToRow(int64_t day, const bandit::SufficientStatistics& sums) {
  bandit::SufficientStatistics::Parts parts = sums.ToParts();
  return {.day = day,
          .lower = std::move(parts.lower),
          .moment = std::move(parts.moment),
          .weight = parts.weight,
          .count = parts.count,
          .reward_sum = parts.reward_sum,
          .reward_square_sum = parts.reward_square_sum};
}

absl::StatusOr<bandit::SufficientStatistics*> TouchedBuckets::At(int64_t day) {
  if (const auto found = buckets_.find(day); found != buckets_.end()) return &found->second;
  if (buckets_.size() >= kMaxHeld) {
    RETURN_IF_ERROR(Save());
    buckets_.clear();
  }
  ASSIGN_OR_RETURN(const std::vector<storage::BucketRow> rows, tx_->Buckets(basis_id_, {day}));
  bandit::SufficientStatistics sums(layout_.dim());
  if (!rows.empty()) {
    ASSIGN_OR_RETURN(sums, ToSums(rows.front()));
    if (sums.dim() != layout_.dim()) {
      return absl::DataLossError(
          absl::StrCat("the bucket of day ", day, " has dimension ", sums.dim(), ", the basis has ", layout_.dim()));
    }
  }
  return &buckets_.emplace(day, std::move(sums)).first->second;
}

absl::Status TouchedBuckets::AddMature(const std::vector<storage::LedgerExposure>& exposures) {
  absl::btree_map<int64_t, std::vector<const storage::LedgerExposure*>> by_day;
  for (const storage::LedgerExposure& exposure : exposures) by_day[exposure.day].push_back(&exposure);
  for (const auto& [day, of_day] : by_day) {
    bandit::FactoredSums added(layout_);
    for (const storage::LedgerExposure* exposure : of_day) {
      RETURN_IF_ERROR(added.AddMature(ToFactored(exposure->context), exposure->reward));
    }
    ASSIGN_OR_RETURN(bandit::SufficientStatistics* const bucket, At(day));
    bucket->AddScaled(added.Sums(), 1);
  }
  return absl::OkStatus();
}

absl::Status TouchedBuckets::AdjustMature(const storage::LedgerExposure& exposure, double new_reward) {
  const bandit::FactoredContext context = ToFactored(exposure.context);
  RETURN_IF_ERROR(bandit::ValidateContext(layout_, context));
  ASSIGN_OR_RETURN(bandit::SufficientStatistics* const bucket, At(exposure.day));
  return bucket->AdjustMature(bandit::AssembleContext(layout_, context), exposure.reward, new_reward);
}

absl::Status TouchedBuckets::Save() {
  for (const auto& [day, sums] : buckets_) RETURN_IF_ERROR(tx_->SaveBucket(basis_id_, ToRow(day, sums)));
  return absl::OkStatus();
}

}  // namespace suggest::learning
