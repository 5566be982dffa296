// Passes an absl::Status up, or unwraps an absl::StatusOr. Abseil of 2022 has neither macro.
//
//   RETURN_IF_ERROR(store.Write(row));
//   ASSIGN_OR_RETURN(const Model model, store.Read(version));
#ifndef BANDIT_BASE_STATUS_MACROS_H_
#define BANDIT_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SUGGEST_CONCAT_INNER(a, b) a##b
#define SUGGEST_CONCAT(a, b) SUGGEST_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                                                         \
  do {                                                                                      \
    if (absl::Status return_if_error_status = (expression); !return_if_error_status.ok()) { \
      return return_if_error_status;                                                        \
    }                                                                                       \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_NAMED(SUGGEST_CONCAT(status_or_, __LINE__), declaration, expression)

#define ASSIGN_OR_RETURN_NAMED(name, declaration, expression) \
  auto name = (expression);                                   \
  if (!name.ok()) return std::move(name).status();            \
  declaration = *std::move(name)

#endif  // BANDIT_BASE_STATUS_MACROS_H_
