// What decisions for one customer have in common, kept from one to the next: the weights as the customer sees them, and
// among which candidates propensities are counted.
//
// A decision is the same, bit for bit, with a memo and without: neither is random, and each is kept with what it was
// computed from and stands for exactly that. The last of each is kept.
//
// Threads: any.
#ifndef BANDIT_CHOOSE_CUSTOMER_MEMO_H_
#define BANDIT_CHOOSE_CUSTOMER_MEMO_H_

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <vector>

#include "bandit/base/mutex.h"
#include "bandit/choose/candidate_set.h"
#include "bandit/model/weight_space.h"

namespace suggest::bandit {

struct PropensityQuestion;

// REQUIRES: all that is asked of one memo has the same posterior and the same catalogue.
class CustomerMemo {
 public:
  // More candidates than these, contenders or exceptions of the eligible set, are not kept.
  static constexpr size_t kMostKept = 1024;

  // The weights of a customer with exactly these features; null: not kept.
  std::shared_ptr<const JointNormal> Weights(const Eigen::VectorXd& customer) const;
  void KeepWeights(const Eigen::VectorXd& customer, std::shared_ptr<const JointNormal> weights);

  // The candidates that may be in the slate, targets aside (contenders.h); null: not kept. Those of a question that has
  // pair features, or weights that are not this memo's, never are.
  std::shared_ptr<const std::vector<int>> Contenders(const PropensityQuestion& q) const;
  void KeepContenders(const PropensityQuestion& q, std::shared_ptr<const std::vector<int>> contenders);

  // What is kept at the moment: for dim weights 8 (dim + dim^2), 8 per feature and 4 per candidate.
  int64_t bytes() const;

 private:
  // What the kept contenders depend on beside the kept weights, which are held, so that their address means them alone.
  struct Asked {
    CandidateSet eligible;
    double scale = 0;
    double neglected = 0;
    int slate = 0;
  };

  mutable Mutex mutex_;
  Eigen::VectorXd customer_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const JointNormal> weights_ ABSL_GUARDED_BY(mutex_);
  Asked asked_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const std::vector<int>> contenders_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_CUSTOMER_MEMO_H_
