// suggestctl import: loads CSV files into the builtin tables.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "service/ctl/commands.h"
#include "storage/source/csv.h"
#include "storage/source/importer.h"

namespace suggest::ctl {
namespace {

using storage::ImportKind;

// Customers and recommendations first: what refers to them comes after.
constexpr std::array<ImportKind, 4> kKinds = {ImportKind::kCustomers, ImportKind::kRecommendations,
                                              ImportKind::kSuggestions, ImportKind::kPurchases};

struct File {
  ImportKind kind;
  std::string path;
  int64_t bytes = 0;
};

std::string KindName(ImportKind kind) {
  return std::string(storage::ImportKindName(kind));
}

// -1 when there is no such file.
int64_t FileSize(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return -1;
  return status.st_size;
}

// What stands by name must be there; of a folder at least one file must be.
absl::StatusOr<std::vector<File>> FindFiles(const Flags& flags) {
  std::vector<File> files;
  for (const ImportKind kind : kKinds) {
    const std::string name = KindName(kind);
    std::string path = flags.Text(name);
    if (path.empty() && flags.Has("data")) {
      path = absl::StrCat(flags.Text("data"), "/", name, ".csv");
      if (FileSize(path) < 0) continue;
    }
    if (path.empty()) continue;
    const int64_t bytes = FileSize(path);
    if (bytes < 0) return absl::NotFoundError(absl::StrCat("--", name, ": there is no file ", path));
    files.push_back({kind, path, bytes});
  }
  if (!files.empty()) return files;
  if (!flags.Has("data")) return UsageError("import: --data DIR or a file is required");
  return absl::NotFoundError(absl::StrCat("--data: ", flags.Text("data"),
                                          " holds none of customers.csv, recommendations.csv, suggestions.csv, "
                                          "purchases.csv"));
}

absl::StatusOr<storage::ImportCounts> ImportOne(const Invocation& invocation, storage::Database& database,
                                                const std::optional<absl::TimeZone>& time_zone, const File& file) {
  ASSIGN_OR_RETURN(const std::unique_ptr<storage::CsvReader> csv, storage::CsvReader::Open(file.path));
  storage::ImportOptions options;
  options.dry_run = invocation.flags.Switch("dry-run");
  options.time_zone = time_zone;
  options.progress = [&](int64_t records, int64_t bytes) {
    // The file's length in records is guessed from the share of bytes read.
    const int64_t total = bytes > 0 ? static_cast<int64_t>(static_cast<double>(records) * file.bytes / bytes) : 0;
    invocation.progress.Update(absl::StrCat("import ", KindName(file.kind)), records, std::max(records, total));
  };
  return storage::Importer(&database).Import(file.kind, *csv, options);
}

absl::StatusOr<Outcome> RunImportData(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const std::vector<File> files, FindFiles(invocation.flags));
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  const bool dry_run = invocation.flags.Switch("dry-run");
  std::optional<absl::TimeZone> time_zone;
  const std::string& zone_name = session.config.source().time_zone();
  if (!zone_name.empty()) SUGGEST_CHECK(absl::LoadTimeZone(zone_name, &time_zone.emplace()));  // it was validated
  Json documents = Json::array();
  Table table({"table", "file", ">read", ">inserted", ">changed"});
  for (const File& file : files) {
    ASSIGN_OR_RETURN(const storage::ImportCounts counts, ImportOne(invocation, *session.database, time_zone, file));
    table.AddRow({KindName(file.kind), file.path, GroupDigits(counts.read), GroupDigits(counts.inserted),
                  GroupDigits(counts.changed)});
    documents.push_back(Json::object({{"table", KindName(file.kind)},
                                      {"file", file.path},
                                      {"read", counts.read},
                                      {"inserted", counts.inserted},
                                      {"changed", counts.changed}}));
  }
  Outcome outcome;
  outcome.document = Json::object({{"dry_run", dry_run}, {"files", std::move(documents)}});
  outcome.text = absl::StrCat(table.Print(), dry_run ? "dry run: nothing was stored\n" : "");
  return outcome;
}

FlagSpec FileFlag(ImportKind kind) {
  const std::string name = KindName(kind);
  return {.name = name, .value_name = "FILE", .help = absl::StrCat("The CSV file of ", name, ", instead of DIR's.")};
}

}  // namespace

Command ImportCommand() {
  Command command = {.name = "import",
                     .summary = "Loads CSV files into the built-in tables.",
                     .details =
                         "Each file is loaded whole or not at all; a row whose key is there already replaces it,\n"
                         "so a file can be imported again. docs/cli.md describes the columns.",
                     .run = RunImportData};
  command.flags.push_back({.name = "data",
                           .value_name = "DIR",
                           .help = "Folder with customers.csv, recommendations.csv, suggestions.csv, purchases.csv; "
                                   "what is not there is passed over."});
  for (const ImportKind kind : kKinds) command.flags.push_back(FileFlag(kind));
  command.flags.push_back({.name = "dry-run", .kind = FlagKind::kSwitch, .help = "Check everything, store nothing."});
  return command;
}

}  // namespace suggest::ctl
