// How long work tells how far it is: the phase's name, steps done, steps in all (0 = not known). May be empty.
#ifndef SERVICE_LEARNING_PROGRESS_H_
#define SERVICE_LEARNING_PROGRESS_H_

#include <cstdint>
#include <functional>

#include "absl/strings/string_view.h"

namespace suggest::learning {

using Progress = std::function<void(absl::string_view phase, int64_t done, int64_t total)>;

inline void Report(const Progress& progress, absl::string_view phase, int64_t done, int64_t total) {
  if (progress) progress(phase, done, total);
}

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_PROGRESS_H_
