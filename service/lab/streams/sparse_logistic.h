// Logistic regression on hashed features, learned one row at a time: what a stream of clicks can afford.
//
// logit = bias + sum of the weights at the row's 17 indices. Two ways to step along the gradient g = weight (y - p):
//   Learn        w += rate g                   forgets at a constant pace, so it follows what drifts
//   LearnAdagrad w += rate g / sqrt(1 + G)     G = sum of g^2 at this weight; for passes over a fixed history
//                                              (Duchi, Hazan, Singer, JMLR 2011)
// Deterministic: exponentials of our own, rows in the order given. Memory: 16 bytes for each of 2^bits.
#ifndef SERVICE_LAB_STREAMS_SPARSE_LOGISTIC_H_
#define SERVICE_LAB_STREAMS_SPARSE_LOGISTIC_H_

#include <cmath>
#include <cstddef>
#include <vector>

#include "bandit/model/logistic.h"
#include "service/lab/streams/conversion_log.h"

namespace suggest::streams {

class SparseLogistic {
 public:
  explicit SparseLogistic(int bits, double bias = 0) : weights_((size_t{1} << bits) + 1), squares_(weights_.size()) {
    weights_.back() = bias;
  }

  double Logit(const Click& click) const {
    double logit = weights_.back();
    for (const uint32_t index : click.features) logit += weights_[index];
    return logit;
  }
  double Predict(const Click& click) const { return bandit::Sigmoid(Logit(click)); }

  void Learn(const Click& click, bool label, double weight, double rate) {
    Step(click, weight * ((label ? 1.0 : 0.0) - Predict(click)), rate);
  }
  void LearnAdagrad(const Click& click, bool label, double weight, double rate) {
    StepAdagrad(click, weight * ((label ? 1.0 : 0.0) - Predict(click)), rate);
  }

  // Along a gradient by the logit that the caller computed.
  void Step(const Click& click, double gradient, double rate) {
    for (const uint32_t index : click.features) weights_[index] += rate * gradient;
    weights_.back() += rate * gradient;
  }
  void StepAdagrad(const Click& click, double gradient, double rate) {
    for (const uint32_t index : click.features) StepOne(index, gradient, rate);
    StepOne(weights_.size() - 1, gradient, rate);
  }

 private:
  void StepOne(size_t index, double gradient, double rate) {
    squares_[index] += gradient * gradient;
    weights_[index] += rate * gradient / std::sqrt(1 + squares_[index]);
  }

  std::vector<double> weights_;  // the bias last
  std::vector<double> squares_;
};

}  // namespace suggest::streams

#endif  // SERVICE_LAB_STREAMS_SPARSE_LOGISTIC_H_
