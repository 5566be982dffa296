#include "storage/source/customer_list.h"

#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

constexpr Statement kPage = {"customer_list_page",
                             "SELECT DISTINCT customer_id FROM source.customers "
                             "WHERE customer_id > $1 AND coalesce(valid_from, '-infinity') <= $2::timestamptz "
                             "ORDER BY customer_id LIMIT $3"};

}  // namespace

absl::StatusOr<std::vector<std::string>> CustomerList::PageAfter(const std::string& after, absl::Time at,
                                                                 int limit) const {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kPage, after, ToSql(at), limit)) ids.push_back(row[0].as<std::string>());
    return absl::OkStatus();
  }));
  return ids;
}

}  // namespace suggest::storage
