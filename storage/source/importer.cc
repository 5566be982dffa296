#include "storage/source/importer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/json_numbers.h"
#include "storage/source/import_format.h"

namespace suggest::storage {
namespace {

constexpr int kRowsPerChunk = 2000;

// Rows wait in a temporary table until the whole file is checked.
class Staging {
 public:
  Staging(pqxx::work& tx, const ImportTable& table) : tx_(tx), table_(table) {
    Add("line", "bigint");
    for (const ImportColumn& column : table.columns) Add(column.name, SqlType(column.kind));
    if (table.takes_attributes) Add("attributes", "jsonb");
    std::vector<std::string> definitions;
    for (size_t i = 0; i < names_.size(); ++i) definitions.push_back(absl::StrCat(names_[i], " ", types_[i]));
    tx_.exec(
        absl::StrCat("CREATE TEMPORARY TABLE import_rows (", absl::StrJoin(definitions, ", "), ") ON COMMIT DROP"));
    Clear();
  }

  void AddRow(const std::vector<std::optional<std::string>>& values) {
    SUGGEST_CHECK(values.size() == arrays_.size());
    for (size_t i = 0; i < values.size(); ++i) AppendElement(arrays_[i], values[i]);
    if (++rows_ == kRowsPerChunk) Flush();
  }

  void Flush() {
    if (rows_ == 0) return;
    std::vector<std::string> parameters;
    for (size_t i = 0; i < types_.size(); ++i) {
      parameters.push_back(absl::StrCat("$", i + 1, "::", types_[i], "[]"));
      arrays_[i] += '}';
    }
    tx_.exec_params(absl::StrCat("INSERT INTO import_rows SELECT * FROM unnest(", absl::StrJoin(parameters, ", "), ")"),
                    pqxx::prepare::make_dynamic_params(arrays_));
    Clear();
  }

  // The second of two rows with the same key, if there are such.
  absl::Status CheckKeysDiffer(absl::string_view file) {
    const std::string key = absl::StrJoin(table_.key, ", ");
    const pqxx::result rows = tx_.exec(absl::StrCat("SELECT min(line), max(line), ", key, " FROM import_rows GROUP BY ",
                                                    key, " HAVING count(*) > 1 ORDER BY 1 LIMIT 1"));
    if (rows.empty()) return absl::OkStatus();
    const pqxx::row& row = rows[0];
    std::vector<std::string> values;
    for (size_t i = 0; i < table_.key.size(); ++i) {
      values.push_back(absl::StrCat(table_.key[i], " '", ShownField(row[static_cast<int>(i) + 2].c_str()), "'"));
    }
    return absl::InvalidArgumentError(absl::StrCat(file, ":", row[1].c_str(), ": ", absl::StrJoin(values, " with "),
                                                   " is in line ", row[0].c_str(), " already"));
  }

  // Replaces what differs. In the order of keys, so that two imports cannot wait for each other.
  void Store(ImportCounts& counts) {
    const std::vector<std::string> columns(names_.begin() + 1, names_.end());
    const std::string list = absl::StrJoin(columns, ", ");
    const std::string excluded = absl::StrCat("excluded.", absl::StrJoin(columns, ", excluded."));
    const std::string current = absl::StrCat("old.", absl::StrJoin(columns, ", old."));
    const std::string key = absl::StrJoin(table_.key, ", ");
    const pqxx::row row = tx_.exec1(absl::StrCat(
        "WITH stored AS (INSERT INTO ", table_.name, " AS old (", list, ") SELECT ", list,
        " FROM import_rows ORDER BY ", key, " ON CONFLICT (", key, ") DO UPDATE SET (", list, ") = ROW(", excluded,
        ") WHERE (", current, ") IS DISTINCT FROM (", excluded, ") RETURNING old.xmax = 0 AS inserted) ",
        "SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM stored"));
    counts.inserted = row[0].as<int64_t>();
    counts.changed = row[1].as<int64_t>();
    tx_.exec(absl::StrCat("ANALYZE ", table_.name));
  }

 private:
  void Add(absl::string_view name, absl::string_view type) {
    names_.emplace_back(name);
    types_.emplace_back(type);
  }

  void Clear() {
    arrays_.assign(names_.size(), "{");
    rows_ = 0;
  }

  pqxx::work& tx_;
  const ImportTable& table_;
  std::vector<std::string> names_;  // "line", the columns, perhaps "attributes"
  std::vector<std::string> types_;
  std::vector<std::string> arrays_;  // one array literal per column, open
  int rows_ = 0;
};

// Where each column of the table stands in the file, and which other columns are attributes.
struct Layout {
  std::vector<std::optional<size_t>> positions;
  std::vector<size_t> attributes;
};

absl::StatusOr<Layout> MatchHeader(const ImportTable& table, const CsvReader& csv) {
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(csv.name(), ":", csv.line(), ": ", what));
  };
  Layout layout;
  layout.positions.resize(table.columns.size());
  const std::vector<std::string>& header = csv.header();
  for (size_t i = 0; i < header.size(); ++i) {
    const ImportColumn* column = FindColumn(table, header[i]);
    if (column == nullptr && !table.takes_attributes) {
      return error(absl::StrCat("unknown column '", ShownField(header[i]),
                                "'; only customers and recommendations have attributes"));
    }
    if (column == nullptr) {
      layout.attributes.push_back(i);
      continue;
    }
    std::optional<size_t>& position = layout.positions[column - table.columns.data()];
    if (position.has_value()) {
      return error(absl::StrCat("columns '", header[*position], "' and '", header[i], "' both are ", column->name));
    }
    position = i;
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (layout.positions[i].has_value() || !table.columns[i].required) continue;
    return error(absl::StrCat("column ", table.columns[i].name, " is missing; the header has '",
                              ShownField(absl::StrJoin(header, "', '")), "'"));
  }
  return layout;
}

absl::StatusOr<std::vector<std::optional<std::string>>> ToRow(const ImportTable& table, const Layout& layout,
                                                              const CsvReader& csv,
                                                              const std::vector<std::string>& fields,
                                                              const std::optional<absl::TimeZone>& zone) {
  const std::string absent;
  std::vector<std::optional<std::string>> row = {absl::StrCat(csv.line())};
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const std::optional<size_t> position = layout.positions[i];
    absl::StatusOr<std::optional<std::string>> value =
        ToSqlValue(table.columns[i], position.has_value() ? fields[*position] : absent, zone);
    if (!value.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(csv.name(), ":", csv.line(), ": ", table.columns[i].name, ": ", value.status().message()));
    }
    row.push_back(*std::move(value));
  }
  if (table.takes_attributes) {
    std::string attributes = "{";
    for (size_t i : layout.attributes) {
      if (!fields[i].empty()) AppendJsonMember(attributes, csv.header()[i], fields[i]);
    }
    if (attributes.size() >= kLargestAttributesBytes) {
      return absl::InvalidArgumentError(absl::StrCat(csv.name(), ":", csv.line(), ": the attributes have ",
                                                     attributes.size(), " bytes as JSON, and may have ",
                                                     kLargestAttributesBytes));
    }
    row.push_back(attributes + "}");
  }
  return row;
}

absl::Status ReadRows(const ImportTable& table, const Layout& layout, CsvReader& csv, const ImportOptions& options,
                      Staging& staging, ImportCounts& counts) {
  std::vector<std::string> fields;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, csv.Next(fields));
    if (!found) break;
    ASSIGN_OR_RETURN(const auto row, ToRow(table, layout, csv, fields, options.time_zone));
    staging.AddRow(row);
    ++counts.read;
    if (options.progress && counts.read % kRowsPerChunk == 0) options.progress(counts.read, csv.bytes_read());
  }
  staging.Flush();
  if (options.progress) options.progress(counts.read, csv.bytes_read());
  return absl::OkStatus();
}

}  // namespace

absl::string_view ImportKindName(ImportKind kind) {
  switch (kind) {
    case ImportKind::kCustomers:
      return "customers";
    case ImportKind::kRecommendations:
      return "recommendations";
    case ImportKind::kSuggestions:
      return "suggestions";
    case ImportKind::kPurchases:
      return "purchases";
  }
  SUGGEST_CHECK(false);
}

absl::StatusOr<ImportCounts> Importer::Import(ImportKind kind, CsvReader& csv, const ImportOptions& options) {
  const ImportTable& table = TableOf(kind);
  ASSIGN_OR_RETURN(const Layout layout, MatchHeader(table, csv));
  ImportCounts counts;
  bool rolled_back = false;
  const absl::Status status = InTransaction(*db_, [&](pqxx::work& tx) -> absl::Status {
    LiftStatementTimeout(tx);
    Staging staging(tx, table);
    RETURN_IF_ERROR(ReadRows(table, layout, csv, options, staging, counts));
    RETURN_IF_ERROR(staging.CheckKeysDiffer(csv.name()));
    staging.Store(counts);
    rolled_back = options.dry_run;
    return rolled_back ? absl::CancelledError("dry run") : absl::OkStatus();
  });
  if (!status.ok() && !rolled_back) return status;
  return counts;
}

}  // namespace suggest::storage
