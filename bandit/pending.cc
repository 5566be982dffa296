#include "bandit/pending.h"

#include "bandit/base/check.h"

namespace suggest::bandit {

PendingTarget Target(PendingMode mode, double share, double reward_seen) {
  switch (mode) {
    case PendingMode::kFakeNegative:
      return {1.0, reward_seen};
    case PendingMode::kWait:
      return {0.0, 0.0};
    case PendingMode::kExposure:
      return {share, reward_seen};
  }
  SUGGEST_CHECK(false);
}

}  // namespace suggest::bandit
