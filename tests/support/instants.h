// Instants and lengths of time that tests share.
#ifndef TESTS_SUPPORT_INSTANTS_H_
#define TESTS_SUPPORT_INSTANTS_H_

#include "absl/time/time.h"

namespace suggest {

inline const absl::Time kNoon = absl::FromUnixSeconds(1704110400);  // 2024-01-01 12:00 UTC
inline constexpr absl::Duration kDay = absl::Hours(24);

}  // namespace suggest

#endif  // TESTS_SUPPORT_INSTANTS_H_
