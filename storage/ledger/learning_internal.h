// What the learning_*.cc files share. Included by storage/*.cc only.
#ifndef STORAGE_LEDGER_LEARNING_INTERNAL_H_
#define STORAGE_LEDGER_LEARNING_INTERNAL_H_

#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/ledger/learning_store.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/errors.h"
#include "storage/postgres/packed_numbers.h"

namespace suggest::storage {

class LearningTransaction::Connection {
 public:
  explicit Connection(pqxx::work& work) : work_(work) {}
  pqxx::work& work() { return work_; }

 private:
  pqxx::work& work_;
};

// One array element, as text that the statement casts. "" stands for null where the statement says NULLIF(x, '').
inline std::string Element(const std::string& value) {
  internal::CheckNoNul(value);
  return value;
}
inline std::string Element(absl::Time value) {
  return ToSql(value);
}
inline std::string Element(const std::optional<absl::Time>& value) {
  return value.has_value() ? ToSql(*value) : "";
}
inline std::string Element(double value) {
  return absl::StrFormat("%.17g", value);
}
inline std::string Element(int64_t value) {
  return absl::StrCat(value);
}
inline std::string Element(int value) {
  return absl::StrCat(value);
}
inline std::string Element(bool value) {
  return value ? "t" : "f";
}

// An array parameter of what `get` takes from each row; unnest() of several makes the rows again.
template <typename Row, typename Get>
std::string ColumnOf(const std::vector<Row>& rows, Get get) {
  std::vector<std::string> values;
  values.reserve(rows.size());
  for (const Row& row : rows) values.push_back(Element(get(row)));
  return ToTextArray(values);
}

inline std::string CustomersOf(const std::vector<LedgerKey>& keys) {
  return ColumnOf(keys, [](const LedgerKey& key) { return key.customer_id; });
}
inline std::string IdsOf(const std::vector<LedgerKey>& keys) {
  return ColumnOf(keys, [](const LedgerKey& key) { return key.id; });
}

// Exec for a statement that reads or changes rows by keys given in arrays. In a first big run the tables have grown
// since anybody analysed them, so PostgreSQL takes them for small and compares every key with every row: 10,000
// purchases took 44 s instead of 3. All of these keys have an index.
template <typename... Args>
pqxx::result ExecByKey(pqxx::transaction_base& tx, const Statement& statement, const Args&... args) {
  tx.exec("SET LOCAL enable_seqscan = off");
  pqxx::result rows = Exec(tx, statement, args...);
  tx.exec("SET LOCAL enable_seqscan = on");
  return rows;
}

// A StatusOr's value, or the exception that errors.cc turns into DATA_LOSS.
template <typename T>
T OrCorrupt(absl::StatusOr<T> value, absl::string_view what) {
  if (!value.ok()) throw CorruptValue(absl::StrCat(what, ": ", value.status().message()));
  return *std::move(value);
}

}  // namespace suggest::storage

#endif  // STORAGE_LEDGER_LEARNING_INTERNAL_H_
