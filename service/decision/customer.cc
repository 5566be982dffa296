#include "service/decision/customer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "bandit/base/status_macros.h"
#include "service/decision/eligibility.h"

namespace suggest::decision {
namespace {

features::CustomerHistory ToHistory(const std::vector<storage::HistoryDay>& rows) {
  features::CustomerHistory histories;
  for (const storage::HistoryDay& row : rows) {
    features::DayHistory& history = histories[row.recommendation_id];
    history.days[row.day] = {row.exposures, row.conversions, row.purchases};
    history.last_exposed_at = std::max(history.last_exposed_at, row.last_exposed_at);
    history.last_purchased_at = std::max(history.last_purchased_at, row.last_purchased_at);
  }
  return histories;
}

// Once in the state and, at most, once more in the reading.
int64_t BytesOf(const storage::CustomerState& state) {
  int64_t bytes = 0;
  if (state.attributes.has_value()) bytes += 2 * static_cast<int64_t>(state.attributes->SpaceUsedLong());
  for (const storage::HistoryDay& day : state.history) {
    bytes += 2 * static_cast<int64_t>(sizeof(day) + day.recommendation_id.capacity());
  }
  for (const std::string& id : state.bought) bytes += static_cast<int64_t>(sizeof(id) + id.capacity() + sizeof(int));
  return bytes;
}

}  // namespace

std::shared_ptr<const Eigen::VectorXd> CustomerEncoding::At(const features::Pipeline& pipeline,
                                                            const features::SideReading& side, absl::Time now) {
  {
    ReaderLock lock(mutex_);
    if (kept_ != nullptr && from_ <= now && now < until_) return kept_;
  }
  auto encoded =
      std::make_shared<const Eigen::VectorXd>(pipeline.EncodeCustomer(pipeline.extractor().CustomerAt(side, now)));
  MutexLock lock(mutex_);
  kept_ = encoded;
  from_ = now;
  until_ = features::FeatureExtractor::NextChange(side, now);
  return encoded;
}

int64_t CustomerEncoding::bytes() const {
  ReaderLock lock(mutex_);
  return kept_ == nullptr ? 0 : 8 * kept_->size();
}

absl::StatusOr<CustomerReading> ReadCustomer(const Serving& serving, const storage::CustomerState& state,
                                             const features::Attributes& attributes) {
  const Catalogue& catalogue = serving.catalogue();
  const features::FeatureExtractor& extractor = serving.snapshot().pipeline().extractor();
  const absl::Time tick = serving.snapshot().data_cut();
  const features::CustomerHistory history = ToHistory(state.history);
  std::vector<std::string> errors;
  ASSIGN_OR_RETURN(features::SideReading side, extractor.ReadCustomer(attributes, history, tick, &errors));
  std::vector<std::string> unreadable;
  for (const std::string& error : errors) unreadable.emplace_back(features::FeatureExtractor::PlaceOf(error));
  if (!state.problem.empty()) unreadable.push_back(state.problem);
  const auto lookup = [&](absl::string_view recommendation_id) -> const features::Attributes* {
    const std::optional<int> index = catalogue.Find(recommendation_id);
    return index ? &catalogue.item(*index).attributes : nullptr;
  };
  return CustomerReading{std::move(side), extractor.ForCustomer(history, lookup, tick),
                         IndicesOf(catalogue, state.bought), std::move(unreadable)};
}

absl::StatusOr<std::shared_ptr<const CustomerReading>> Customer::Under(const Serving& serving) const {
  const int64_t model_version = serving.snapshot().version();
  const std::string& catalogue_version = serving.catalogue().version();
  {
    ReaderLock lock(mutex_);
    if (kept_.reading != nullptr && kept_.model_version == model_version &&
        kept_.catalogue_version == catalogue_version) {
      return kept_.reading;
    }
  }
  ASSIGN_OR_RETURN(CustomerReading reading, ReadCustomer(serving, state_, *state_.attributes));
  auto shared = std::make_shared<const CustomerReading>(std::move(reading));
  MutexLock lock(mutex_);
  kept_ = {model_version, catalogue_version, shared};
  return shared;
}

Customer::Customer(storage::CustomerState state) : state_(std::move(state)), state_bytes_(BytesOf(state_)) {}

int64_t Customer::bytes() const {
  constexpr int64_t kReadingBytes = 640;
  ReaderLock lock(mutex_);
  const int64_t kept = kept_.reading == nullptr ? 0 : kept_.reading->memo->bytes() + kept_.reading->encoding->bytes();
  return static_cast<int64_t>(sizeof(*this)) + kReadingBytes + state_bytes_ + kept;
}

}  // namespace suggest::decision
