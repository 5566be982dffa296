// What is known about one customer at one instant.
#ifndef STORAGE_SOURCE_CUSTOMER_STORE_H_
#define STORAGE_SOURCE_CUSTOMER_STORE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::storage {

class CustomerStore {
 public:
  // `db` must outlive the store.
  explicit CustomerStore(Database* db) : db_(db) {}

  // The attributes of the newest row of source.customers with valid_from <= at, the history counts as of the last
  // ingest, and what was bought by then (visible_at, else purchased_at, <= at; not cancelled by then). One statement,
  // so one snapshot. valid_until is the first instant after `at` for which the answer would be another one, as the rows
  // are now. An unknown customer is no error: attributes is nullopt. Attributes that are no JSON object are empty, and
  // of several rows with one valid_from the one counts whose attributes' text comes first in byte order; `problem` says
  // so.
  absl::StatusOr<CustomerState> Load(const std::string& customer_id, absl::Time at) const;

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_CUSTOMER_STORE_H_
