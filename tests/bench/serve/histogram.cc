#include "tests/bench/serve/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "bandit/base/check.h"

namespace suggest::bench {
namespace {

constexpr int kBits = 7;
constexpr int kExact = 1 << kBits;  // values below it have a bucket each
constexpr int kPerOctave = kExact / 2;
constexpr int kBuckets = kExact + (63 - kBits) * kPerOctave;

// Octave 0 holds 0 to 127, octave k >= 1 the values from 2^(6 + k) to twice that.
int BucketOf(int64_t value) {
  const int octave = std::max(0, static_cast<int>(std::bit_width(static_cast<uint64_t>(value))) - kBits);
  if (octave == 0) return static_cast<int>(value);
  return octave * kPerOctave + static_cast<int>(value >> octave);
}

int64_t UpperEdge(int bucket) {
  if (bucket < kExact) return bucket;
  const int octave = bucket / kPerOctave - 1;
  const int64_t within = bucket - octave * kPerOctave;
  return ((within + 1) << octave) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::Record(absl::Duration value) {
  const int64_t nanoseconds = std::max<int64_t>(0, absl::ToInt64Nanoseconds(value));
  ++buckets_[BucketOf(nanoseconds)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

absl::Duration Histogram::Percentile(double share) const {
  SUGGEST_CHECK(share >= 0 && share <= 1);
  if (count_ == 0) return absl::ZeroDuration();
  const auto wanted = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(share * count_)));
  int64_t seen = 0;
  int bucket = 0;
  while ((seen += buckets_[bucket]) < wanted) ++bucket;
  return absl::Nanoseconds(std::min(UpperEdge(bucket), max_));
}

}  // namespace suggest::bench
