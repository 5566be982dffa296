#include "bandit/model/logistic.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/portable_math.h"
#include "bandit/base/status_macros.h"

namespace suggest::bandit {
namespace {

struct Problem {
  const Eigen::MatrixXd& rows;
  const Eigen::VectorXd& labels;
  Eigen::VectorXd weights;
  const Eigen::VectorXd& center;
  double ridge;

  double Objective(const Eigen::VectorXd& w) const {
    const Eigen::VectorXd logits = rows * w;
    double sum = 0.5 * ridge * (w - center).squaredNorm();
    for (Eigen::Index i = 0; i < logits.size(); ++i) {
      sum += weights[i] * (LogOnePlusExp(logits[i]) - labels[i] * logits[i]);
    }
    return sum;
  }

  Eigen::VectorXd NewtonStep(const Eigen::VectorXd& w) const {
    const Eigen::VectorXd logits = rows * w;
    Eigen::VectorXd pull(logits.size());
    Eigen::VectorXd root(logits.size());  // of m p (1 - p)
    for (Eigen::Index i = 0; i < logits.size(); ++i) {
      const double p = Sigmoid(logits[i]);
      pull[i] = weights[i] * (labels[i] - p);
      root[i] = std::sqrt(weights[i] * p * (1 - p));
    }
    const Eigen::MatrixXd scaled = root.asDiagonal() * rows;
    Eigen::MatrixXd hessian = ridge * Eigen::MatrixXd::Identity(w.size(), w.size());
    hessian.selfadjointView<Eigen::Lower>().rankUpdate(scaled.transpose());
    const Eigen::VectorXd gradient = rows.transpose() * pull - ridge * (w - center);
    return hessian.selfadjointView<Eigen::Lower>().llt().solve(gradient);
  }
};

absl::Status Check(const Eigen::MatrixXd& rows, const Eigen::VectorXd& labels, const Eigen::VectorXd& weights,
                   const Eigen::VectorXd& center, const LogisticOptions& options) {
  if (!(options.ridge > 0) || !std::isfinite(options.ridge)) {
    return absl::InvalidArgumentError(absl::StrCat("ridge is ", options.ridge, ", not > 0"));
  }
  if (rows.rows() != labels.size() || (weights.size() != 0 && weights.size() != labels.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat(rows.rows(), " rows, ", labels.size(), " labels, ", weights.size(), " weights"));
  }
  if (rows.rows() > 0 && rows.cols() != center.size()) {
    return absl::InvalidArgumentError(absl::StrCat("rows have ", rows.cols(), " inputs, the center ", center.size()));
  }
  for (Eigen::Index i = 0; i < labels.size(); ++i) {
    if (!(labels[i] >= 0 && labels[i] <= 1)) {
      return absl::InvalidArgumentError(absl::StrCat("label ", i, " is ", labels[i]));
    }
    if (weights.size() != 0 && !(weights[i] >= 0 && std::isfinite(weights[i]))) {
      return absl::InvalidArgumentError(absl::StrCat("weight ", i, " is ", weights[i]));
    }
    if (!rows.row(i).allFinite()) return absl::InvalidArgumentError(absl::StrCat("row ", i, " is not finite"));
  }
  if (!center.allFinite()) return absl::InvalidArgumentError("the center is not finite");
  return absl::OkStatus();
}

}  // namespace

double Sigmoid(double x) {
  if (x >= 0) return 1 / (1 + PortableExp(-x));
  const double e = PortableExp(x);
  return e / (1 + e);
}

double LogOnePlusExp(double x) {
  return std::max(x, 0.0) + PortableLog1p(PortableExp(-std::abs(x)));
}

absl::StatusOr<Eigen::VectorXd> FitLogistic(const Eigen::MatrixXd& rows, const Eigen::VectorXd& labels,
                                            const Eigen::VectorXd& weights, const Eigen::VectorXd& center,
                                            const LogisticOptions& options) {
  RETURN_IF_ERROR(Check(rows, labels, weights, center, options));
  Eigen::VectorXd w = center;
  if (rows.rows() == 0) return w;
  const Problem problem{rows, labels, weights.size() == 0 ? Eigen::VectorXd::Ones(labels.size()) : weights, center,
                        options.ridge};
  double objective = problem.Objective(w);
  for (int step = 0; step < options.max_steps; ++step) {
    Eigen::VectorXd change = problem.NewtonStep(w);
    double next = problem.Objective(w + change);
    while (!(next <= objective) && change.cwiseAbs().maxCoeff() >= options.tolerance) {
      change *= 0.5;
      next = problem.Objective(w + change);
    }
    if (change.cwiseAbs().maxCoeff() < options.tolerance) return w;
    w += change;
    objective = next;
  }
  return absl::InternalError(absl::StrCat("logistic regression: no end after ", options.max_steps, " steps"));
}

}  // namespace suggest::bandit
