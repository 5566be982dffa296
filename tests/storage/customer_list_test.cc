#include "storage/customer_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using ::suggest::testing::TestDatabase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1704110400);  // 2024-01-01 12:00 UTC

TEST(CustomerListTest, PagesHoldEveryCustomerOnceThatIsValidNow) {
  TestDatabase test;
  test.Execute(
      "INSERT INTO builtin.customers (customer_id, valid_from) VALUES ('c1', '-infinity'), ('c1', '2023-05-01'), "
      "('c2', '2024-01-01 13:00Z'), ('c3', '2023-01-01'), ('c4', '-infinity')");
  const CustomerList list(&test.database());
  const auto page = [&](const std::string& after, absl::Time at, int limit) {
    const auto ids = list.PageAfter(after, at, limit);
    EXPECT_OK(ids);
    return *ids;
  };
  EXPECT_THAT(page("", kNow, 2), ElementsAre("c1", "c3"));
  EXPECT_THAT(page("c3", kNow, 2), ElementsAre("c4"));
  EXPECT_THAT(page("c4", kNow, 2), IsEmpty());
  EXPECT_THAT(page("c1", kNow + absl::Hours(2), 1), ElementsAre("c2"));
}

}  // namespace
}  // namespace suggest::storage
