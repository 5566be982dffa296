// Counter-based draws of the made-up company: every random number is a pure function of (seed, purpose, what it is
// about), so that two policies that come to the same question get the same answer (common random numbers).
//
// The bits are a chain of the SplitMix64 finaliser (Steele, Lea & Flood, OOPSLA 2014; Stafford's mix 13) over the
// words of the key; normals are quantiles of the uniform through bandit's portable functions, so the same seed gives
// the same bytes on every machine. Cost: a few nanoseconds per uniform. Threads: immutable after construction.
#ifndef SERVICE_LAB_SIMULATION_DRAWS_H_
#define SERVICE_LAB_SIMULATION_DRAWS_H_

#include <cstdint>

namespace suggest::simulation {

// What a draw decides. A new purpose goes to the end: the numbers are part of the seed's meaning.
enum class Purpose : uint64_t {
  kCategory = 1,
  kGoal,
  kSize,
  kPages,
  kSections,
  kSubscriptions,
  kIntegrations,
  kJoinTime,
  kContactPhase,
  kContactTime,
  kKind,
  kPrice,
  kEffort,
  kArrival,
  kWeight,
  kSignChange,
  kItemEffect,
  kExpertChoice,
  kKeep,
  kPurchase,
  kDelay,
  kRefund,
  kRefundDelay,
  kBillingId,
  kPolicySeed,
};

class Draws {
 public:
  explicit Draws(uint64_t seed) : seed_(seed) {}

  uint64_t Bits(Purpose purpose, int64_t a, int64_t b = 0, int64_t c = 0) const;
  // In the open interval (0, 1).
  double Uniform(Purpose purpose, int64_t a, int64_t b = 0, int64_t c = 0) const;
  double Normal(Purpose purpose, int64_t a, int64_t b = 0, int64_t c = 0) const;
  // Standard Gumbel: adding one to each log weight and taking the largest draws by weight without replacement.
  double Gumbel(Purpose purpose, int64_t a, int64_t b = 0, int64_t c = 0) const;

 private:
  uint64_t seed_;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_DRAWS_H_
