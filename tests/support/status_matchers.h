// Matchers for absl::Status and absl::StatusOr, which Abseil of 2022 does not have.
//
//   EXPECT_THAT(store.Find(id), IsOk());
//   EXPECT_THAT(store.Find(id), StatusIs(absl::StatusCode::kNotFound, HasSubstr("c1")));
//   ASSERT_OK_AND_ASSIGN(const Row row, store.Find(id));
#ifndef TESTS_SUPPORT_STATUS_MATCHERS_H_
#define TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bandit/base/status_macros.h"

namespace suggest::testing {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(StatusIs, code, "has code " + absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message,
           "has code " + absl::StatusCodeToString(code) + " and a message that " +
               ::testing::DescribeMatcher<std::string>(message)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         ::testing::Matches(::testing::Matcher<std::string>(message))(std::string(StatusOf(arg).message()));
}

}  // namespace suggest::testing

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::suggest::testing::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::suggest::testing::IsOk())

#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  ASSERT_OK_AND_ASSIGN_NAMED(SUGGEST_CONCAT(status_or_, __LINE__), declaration, expression)

#define ASSERT_OK_AND_ASSIGN_NAMED(name, declaration, expression) \
  auto name = (expression);                                       \
  ASSERT_THAT(name, ::suggest::testing::IsOk());                  \
  declaration = *std::move(name)

#endif  // TESTS_SUPPORT_STATUS_MATCHERS_H_
