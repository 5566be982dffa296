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

absl::StatusOr<std::vector<SettingFinding>> CheckSettings(Database& db, int connections) {
  // The database's and the role's own values are seen as a new session would, before our session's.
  constexpr Statement kSettings = {
      "diagnostics_settings",
      "SELECT (SELECT count(*) FROM pg_settings WHERE name = 'session_replication_role' AND setting <> 'origin'), "
      "current_setting('default_transaction_read_only') = 'on', "
      "(SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()), "
      "current_setting('synchronous_commit'), current_setting('fsync') = 'on', "
      "current_setting('full_page_writes') = 'on', "
      "current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"};
  std::vector<SettingFinding> findings;
  RETURN_IF_ERROR(Autocommit(db, [&](pqxx::nontransaction& tx) {
    const pqxx::row row = Exec(tx, kSettings)[0];
    if (row[0].as<int>() > 0) {
      findings.push_back({true, "session_replication_role is not origin: triggers do not tell of changes"});
    }
    if (row[1].as<bool>()) {
      findings.push_back({true, "default_transaction_read_only is on: nothing can be written"});
    }
    if (row[2].as<std::string>() != "UTF8") {
      findings.push_back({true, absl::StrCat("the database's encoding is ", row[2].c_str(),
                                             ", which cannot hold every id: it must be UTF8")});
    }
    if (row[3].as<std::string>() == "off") {
      findings.push_back(
          {false, "synchronous_commit is off: a crash of PostgreSQL loses decisions that were answered"});
    }
    if (!row[4].as<bool>())
      findings.push_back({false, "fsync is off: a crash of the machine may destroy the database"});
    if (!row[5].as<bool>()) {
      findings.push_back({false, "full_page_writes is off: a crash of the machine may destroy the database"});
    }
    if (row[6].as<int>() < connections) {
      findings.push_back({false, absl::StrCat("the server takes ", row[6].c_str(),
                                              " connections, but one suggestd may "
                                              "open ",
                                              connections,
                                              ": lower database.pool_size or raise "
                                              "max_connections")});
    }
    return absl::OkStatus();
  }));
  return findings;
}

absl::StatusOr<std::vector<std::string>> CheckLearnerRows(Database& db) {
  // A bucket holds the lower triangle of a matrix and a vector, each of the model's dimension, in doubles.
  constexpr Statement kRows = {"diagnostics_learner", R"(
      WITH current AS (SELECT m.version, m.basis_id, m.dimension FROM suggest.current_model c
                       JOIN suggest.model_versions m USING (version)),
      kinds AS (SELECT 'suggest.buckets' AS name, * FROM suggest.buckets)
      SELECT 'suggest.learner has ' || count(*) || ' rows, and must have one: restore it from a backup, or run '
             'suggestctl warm-start --replace'
      FROM suggest.learner HAVING count(*) <> 1
      UNION ALL
      SELECT 'model ' || c.version || ' is of basis ' || c.basis_id || ', but the learner is at basis ' || l.basis_id ||
             ': no ingest can publish'
      FROM current c, suggest.learner l WHERE l.basis_id <> c.basis_id
      UNION ALL
      SELECT count(*) || ' exposures are set aside, because no posterior could be solved with them, first ' ||
             min(suggestion_id) || ' of customer ' || (array_agg(customer_id ORDER BY suggestion_id))[1] ||
             ': correct the attributes of their customers and recommendations; suggestctl warm-start --replace reads '
             'them anew'
      FROM suggest.exposures WHERE set_aside HAVING count(*) > 0
      UNION ALL
      SELECT k.name || ': ' || count(*) || ' rows are broken, first of day ' || min(k.day) ||
             ': suggestctl verify compares them with the ledger'
      FROM kinds k JOIN current c ON c.basis_id = k.basis_id
      WHERE octet_length(k.sums) <> 8 * (c.dimension::bigint * (c.dimension + 1) / 2 + c.dimension)
         OR NOT (k.weight >= 0 AND k.weight < 'infinity') OR NOT (k.exposures >= 0 AND k.exposures < 'infinity')
         OR NOT (abs(k.reward_sum) < 'infinity') OR NOT (k.reward_square_sum >= 0 AND k.reward_square_sum < 'infinity')
      GROUP BY k.name)"};
  std::vector<std::string> problems;
  RETURN_IF_ERROR(Autocommit(db, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kRows)) problems.push_back(row[0].as<std::string>());
    return absl::OkStatus();
  }));
  return problems;
}

absl::StatusOr<std::vector<WatchedTable>> ListWatched(Database& db) {
  constexpr Statement kWatched = {"diagnostics_watched",
                                  "SELECT watched, kind, coalesce(problem, '') FROM suggest.watched()"};
  std::vector<WatchedTable> tables;
  RETURN_IF_ERROR(Autocommit(db, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kWatched)) {
      tables.push_back({row[0].as<std::string>(), row[1].as<std::string>(), row[2].as<std::string>()});
    }
    return absl::OkStatus();
  }));
  return tables;
}

}  // namespace suggest::storage
