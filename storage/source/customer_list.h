// The ids of all customers, page by page.
#ifndef STORAGE_SOURCE_CUSTOMER_LIST_H_
#define STORAGE_SOURCE_CUSTOMER_LIST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

class CustomerList {
 public:
  // `db` must outlive the list.
  explicit CustomerList(Database* db) : db_(db) {}

  // At most `limit` customers with a row of source.customers that is valid at `at`, each once, of those that come after
  // `after` ("" = from the first) in the order of the database's own collation, which the key's index has. Fewer than
  // `limit`: there are no more. Each page is a statement of its own: a customer who is added meanwhile is seen when he
  // comes after the page.
  // Cost: with that index, the rows of the page.
  absl::StatusOr<std::vector<std::string>> PageAfter(const std::string& after, absl::Time at, int limit) const;

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_CUSTOMER_LIST_H_
