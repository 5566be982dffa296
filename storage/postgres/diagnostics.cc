#include "storage/postgres/diagnostics.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

constexpr absl::string_view kText = "text|character varying";
constexpr absl::string_view kTime = "timestamp with time zone";
constexpr absl::string_view kJson = "jsonb";
constexpr absl::string_view kNumber = "numeric|double precision|real|bigint|integer|smallint";

struct Column {
  absl::string_view name;
  absl::string_view types;  // as format_type() spells them, separated by '|'
};

struct View {
  absl::string_view name;
  std::vector<Column> columns;
};

const std::vector<View>& Contract() {
  static const auto* const kViews = new std::vector<View>{
      {"source.customers", {{"customer_id", kText}, {"valid_from", kTime}, {"attributes", kJson}}},
      {"source.recommendations",
       {{"recommendation_id", kText},
        {"title", kText},
        {"active_from", kTime},
        {"active_until", kTime},
        {"repeatable", "boolean"},
        {"attributes", kJson}}},
      {"source.suggestions",
       {{"suggestion_id", kText},
        {"customer_id", kText},
        {"recommendation_id", kText},
        {"decided_at", kTime},
        {"status", kText},
        {"propensity", kNumber}}},
      {"source.purchases",
       {{"purchase_id", kText},
        {"customer_id", kText},
        {"recommendation_id", kText},
        {"purchased_at", kTime},
        {"amount", kNumber},
        {"currency", kText},
        {"suggestion_id", kText},
        {"visible_at", kTime},
        {"cancelled_at", kTime}}},
  };
  return *kViews;
}

constexpr Statement kColumns = {"diagnostics_columns",
                                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
                                "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"};

bool TypeMatches(const Column& column, const std::string& type) {
  for (absl::string_view accepted : absl::StrSplit(column.types, '|')) {
    if (accepted == type) return true;
  }
  return false;
}

void CheckView(pqxx::transaction_base& tx, const View& view, std::vector<std::string>& problems) {
  const size_t problems_before = problems.size();
  std::map<std::string, std::string> types;
  for (const pqxx::row& row : Exec(tx, kColumns, std::string(view.name))) {
    types[row[0].as<std::string>()] = row[1].as<std::string>();
  }
  if (types.empty()) {
    problems.push_back(absl::StrCat(view.name, " does not exist"));
    return;
  }
  for (const Column& column : view.columns) {
    const auto type = types.find(std::string(column.name));
    if (type == types.end()) {
      problems.push_back(absl::StrCat(view.name, " lacks column ", column.name));
    } else if (!TypeMatches(column, type->second)) {
      problems.push_back(absl::StrCat(view.name, ".", column.name, " has type ", type->second, ", not ",
                                      absl::StrJoin(absl::StrSplit(column.types, '|'), " or ")));
    }
  }
  if (problems.size() == problems_before) tx.exec(absl::StrCat("SELECT FROM ", view.name, " LIMIT 0"));
}

}  // namespace

absl::StatusOr<ServerInfo> QueryServer(Database& db) {
  ServerInfo info;
  RETURN_IF_ERROR(Autocommit(db, [&](pqxx::nontransaction& tx) {
    const pqxx::row row = tx.exec1(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_database(), "
        "clock_timestamp(), pg_is_in_recovery()");
    info.version = row[0].as<std::string>();
    info.version_number = row[1].as<int>();
    info.database = row[2].as<std::string>();
    info.server_time = ToTime(row[3]);
    info.in_recovery = row[4].as<bool>();
    return absl::OkStatus();
  }));
  return info;
}

absl::Status CheckSourceViews(Database& db) {
  std::vector<std::string> problems;
  RETURN_IF_ERROR(Autocommit(db, [&](pqxx::nontransaction& tx) {
    for (const View& view : Contract()) CheckView(tx, view, problems);
    return absl::OkStatus();
  }));
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(problems, "; "));
}

}  // namespace suggest::storage
