// The part of `suggestctl simulate` that studies late purchases: --scenario.
#ifndef SERVICE_CTL_SIMULATE_DELAY_H_
#define SERVICE_CTL_SIMULATE_DELAY_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/ctl/command.h"

namespace suggest::ctl {

// --scenario and the flags that only it reads.
std::vector<FlagSpec> DelayStudyFlags();

// Flags of DelayStudyFlags need --scenario, and --scenario excludes what only the made-up company reads.
// Errors: usage, with the flag named.
absl::Status CheckDelayStudyFlags(const Flags& flags);

// REQUIRES: --scenario was given and CheckDelayStudyFlags is OK.
absl::StatusOr<Outcome> StudyDelay(const Invocation& invocation);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_SIMULATE_DELAY_H_
