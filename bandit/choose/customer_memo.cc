#include "bandit/choose/customer_memo.h"

#include <utility>

#include "bandit/propensity/propensity_question.h"

namespace suggest::bandit {

std::shared_ptr<const JointNormal> CustomerMemo::Weights(const Eigen::VectorXd& customer) const {
  ReaderLock lock(mutex_);
  if (weights_ == nullptr || customer_.size() != customer.size() || customer_ != customer) return nullptr;
  return weights_;
}

void CustomerMemo::KeepWeights(const Eigen::VectorXd& customer, std::shared_ptr<const JointNormal> weights) {
  MutexLock lock(mutex_);
  customer_ = customer;
  weights_ = std::move(weights);
  asked_ = {};
  contenders_ = nullptr;
}

std::shared_ptr<const std::vector<int>> CustomerMemo::Contenders(const PropensityQuestion& q) const {
  ReaderLock lock(mutex_);
  const bool same = q.pairs.empty() && weights_.get() == &q.weights && asked_.scale == q.scale &&
                    asked_.neglected == q.neglected && asked_.slate == q.slate && asked_.eligible == q.eligible;
  return same ? contenders_ : nullptr;
}

void CustomerMemo::KeepContenders(const PropensityQuestion& q, std::shared_ptr<const std::vector<int>> contenders) {
  if (!q.pairs.empty() || contenders->size() > kMostKept || q.eligible.exceptions().size() > kMostKept) return;
  MutexLock lock(mutex_);
  if (weights_.get() != &q.weights) return;
  asked_ = {q.eligible, q.scale, q.neglected, q.slate};
  contenders_ = std::move(contenders);
}

int64_t CustomerMemo::bytes() const {
  ReaderLock lock(mutex_);
  int64_t numbers = 0;
  if (weights_ != nullptr) numbers = customer_.size() + weights_->mean.size() + weights_->factor.size();
  const size_t candidates = (contenders_ == nullptr ? 0 : contenders_->size()) + asked_.eligible.exceptions().size();
  return 8 * numbers + 4 * static_cast<int64_t>(candidates);
}

}  // namespace suggest::bandit
