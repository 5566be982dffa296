#include "bandit/choose/shortlist.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "bandit/base/random.h"

namespace suggest::bandit {
namespace {

// Many equal ones among them.
std::vector<float> Values(int n, CounterRng& rng) {
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(static_cast<int>(10 * rng.NextNormal()));
  return values;
}

TEST(Shortlist, KthLargestIsThatOfASort) {
  CounterRng rng(Seed{51}, 0);
  for (const int n : {1, 2, 15, 16, 17, 64, 200}) {
    const std::vector<float> values = Values(n, rng);
    std::vector<float> sorted = values;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (int k = 1; k <= n; ++k) EXPECT_EQ(KthLargest(values.data(), n, k), sorted[k - 1]) << n << " " << k;
  }
}

// Whatever was offered, all within the margin of the count-th best of all are there at the end, and nothing else.
TEST(Shortlist, KeepsThoseWithinTheMarginOfTheBest) {
  CounterRng rng(Seed{52}, 0);
  for (const int count : {1, 10, 300}) {
    for (const double margin : {0.0, 1.5}) {
      const std::vector<float> values = Values(2000, rng);
      std::vector<float> sorted = values;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      std::vector<int> expected;
      for (int i = 0; i < 2000; ++i) {
        if (values[i] >= sorted[count - 1] - margin) expected.push_back(i);
      }
      Shortlist shortlist(count, margin);
      float threshold = shortlist.threshold();
      for (int i = 0; i < 2000; ++i) {
        if (values[i] >= shortlist.threshold()) shortlist.Offer(i, values[i]);
        if (i % 64 == 63) shortlist.Settle();
        EXPECT_GE(shortlist.threshold(), threshold);
        threshold = shortlist.threshold();
      }
      std::vector<int> kept;
      shortlist.AppendTo(&kept);
      EXPECT_EQ(kept, expected) << count << " " << margin;
    }
  }
}

TEST(Shortlist, FewerThanCountAreAllKept) {
  Shortlist shortlist(5, 0);
  shortlist.Offer(3, -7.0f);
  shortlist.Offer(4, 2.0f);
  std::vector<int> kept = {1};
  shortlist.AppendTo(&kept);
  EXPECT_EQ(kept, (std::vector<int>{1, 3, 4}));
}

}  // namespace
}  // namespace suggest::bandit
