#include "bandit/model/context.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {
namespace {

absl::Status CheckPart(const char* name, const Eigen::VectorXd& part, int expected) {
  if (part.size() != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " part of the context has ", part.size(), " entries, the layout expects ", expected));
  }
  for (int i = 0; i < part.size(); ++i) {
    if (!std::isfinite(part[i])) {
      return absl::InvalidArgumentError(absl::StrCat(name, " part of the context: entry ", i, " is ", part[i]));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Eigen::VectorXd AssembleContext(const ContextLayout& layout, const FactoredContext& context) {
  SUGGEST_CHECK(context.customer.size() == layout.customer_dim);
  SUGGEST_CHECK(context.recommendation.size() == layout.recommendation_dim);
  SUGGEST_CHECK(context.pair.size() == layout.pair_dim || context.pair.size() == 0);
  Eigen::VectorXd b(layout.dim());
  if (layout.interactions == Interactions::kFull) {
    for (int i = 0; i < layout.customer_dim; ++i) {
      b.segment(i * layout.recommendation_dim, layout.recommendation_dim) =
          context.customer[i] * context.recommendation;
    }
  } else {
    b[0] = 1.0;
    b.segment(1, layout.customer_dim - 1) = context.customer.tail(layout.customer_dim - 1);
    b.segment(layout.customer_dim, layout.recommendation_dim - 1) =
        context.recommendation.tail(layout.recommendation_dim - 1);
  }
  if (context.pair.size() == 0) {
    b.tail(layout.pair_dim).setZero();
  } else {
    b.tail(layout.pair_dim) = context.pair;
  }
  return b;
}

absl::Status ValidateContext(const ContextLayout& layout, const FactoredContext& context) {
  RETURN_IF_ERROR(CheckPart("customer", context.customer, layout.customer_dim));
  RETURN_IF_ERROR(CheckPart("recommendation", context.recommendation, layout.recommendation_dim));
  return context.pair.size() == 0 ? absl::OkStatus() : CheckPart("pair", context.pair, layout.pair_dim);
}

Eigen::VectorXd Contributions(const ContextLayout& layout, const FactoredContext& context,
                              const Eigen::VectorXd& mean) {
  SUGGEST_CHECK(mean.size() == layout.dim());
  return AssembleContext(layout, context).cwiseProduct(mean);
}

}  // namespace suggest::bandit
