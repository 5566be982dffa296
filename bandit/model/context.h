// The context vector b of one (customer, candidate) pair, and how it is put together from its sides (M3).
//
// Each side is encoded as z~ = [1; z; passed-by features]; R = recommendation_dim, C = customer_dim.
//   kFull:  b = z~_c (x) z~_r, that is b[i_c * R + i_r] = z~_c[i_c] z~_r[i_r], then the pair features p_cr.
//   kNone:  b = [1; z~_c[1:]; z~_r[1:]], then p_cr. The customer's part is then the same for all candidates, so a
//           greedy policy ranks alike for every customer: only interactions or pair features make it personal.
// b[0] is 1 in both forms: the intercept.
#ifndef BANDIT_MODEL_CONTEXT_H_
#define BANDIT_MODEL_CONTEXT_H_

#include <Eigen/Core>

#include "absl/status/status.h"

namespace suggest::bandit {

enum class Interactions { kFull, kNone };

struct ContextLayout {
  int customer_dim = 1;        // 1 + k_c
  int recommendation_dim = 1;  // 1 + k_r
  int pair_dim = 0;
  Interactions interactions = Interactions::kFull;

  // Length of the part of b before the pair features.
  int shared_dim() const {
    return interactions == Interactions::kFull ? customer_dim * recommendation_dim
                                               : customer_dim + recommendation_dim - 1;
  }
  // Length of b.
  int dim() const { return shared_dim() + pair_dim; }

  bool operator==(const ContextLayout&) const = default;
};

// The parts of one context as they are logged with a decision.
struct FactoredContext {
  Eigen::VectorXd customer;        // customer_dim, first entry 1
  Eigen::VectorXd recommendation;  // recommendation_dim, first entry 1
  Eigen::VectorXd pair;            // pair_dim, or empty: all zero
};

// b, of length layout.dim(). REQUIRES: the parts have the layout's lengths.
Eigen::VectorXd AssembleContext(const ContextLayout& layout, const FactoredContext& context);

// Errors: INVALID_ARGUMENT when a part has another length than the layout's, or an entry that is not finite.
absl::Status ValidateContext(const ContextLayout& layout, const FactoredContext& context);

// The terms b_k mean_k whose sum is the expected reward, in the order of b. REQUIRES: mean has layout.dim() entries.
Eigen::VectorXd Contributions(const ContextLayout& layout, const FactoredContext& context, const Eigen::VectorXd& mean);

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_CONTEXT_H_
