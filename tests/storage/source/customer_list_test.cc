#include "storage/source/customer_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using ::suggest::testing::TestDatabase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
  EXPECT_THAT(page("", kNoon, 2), ElementsAre("c1", "c3"));
  EXPECT_THAT(page("c3", kNoon, 2), ElementsAre("c4"));
  EXPECT_THAT(page("c4", kNoon, 2), IsEmpty());
  EXPECT_THAT(page("c1", kNoon + absl::Hours(2), 1), ElementsAre("c2"));
}

}  // namespace
}  // namespace suggest::storage
