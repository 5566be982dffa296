// The candidates of a pass that can still be among its best `count`: those whose score is within `margin` of the
// count-th best seen so far.
#ifndef BANDIT_CHOOSE_SHORTLIST_H_
#define BANDIT_CHOOSE_SHORTLIST_H_

#include <cstddef>
#include <limits>
#include <vector>

namespace suggest::bandit {

class Shortlist {
 public:
  // `margin` >= 0.
  Shortlist(int count, double margin);

  // `score` is not NaN. Whatever scores below threshold() may be offered or not.
  void Offer(int candidate, float score) {
    candidates_.push_back(candidate);
    scores_.push_back(score);
  }

  // Raises the threshold and drops what is below it, once enough was offered for this to pay. To be called every few
  // dozen offers.
  void Settle() {
    if (scores_.size() >= limit_) Compact();
  }

  // What scores less is out.
  float threshold() const { return threshold_; }

  void AppendTo(std::vector<int>* candidates);

 private:
  void Compact();

  const int count_;
  const double margin_;
  size_t limit_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  // Of the same length.
  std::vector<int> candidates_;
  std::vector<float> scores_;
};

// The k-th largest of the n values; REQUIRES 1 <= k <= n, no NaN. Without branches that depend on the values: a
// quickselect of a few dozen spends its time on mispredicted ones. Cost: n^2 comparisons, many at a time.
float KthLargest(const float* values, int n, int k);

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_SHORTLIST_H_
