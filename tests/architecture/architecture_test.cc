// Holds the direction of dependencies: which folder may include what. Reads the sources' #include lines.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace suggest {
namespace {

using ::testing::IsEmpty;

struct Include {
  std::string file;
  std::string target;
};

std::vector<Include> IncludesBelow(const std::string& folder) {
  std::vector<Include> includes;
  const std::filesystem::path root = std::filesystem::path(SUGGEST_SOURCE_DIR) / folder;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension();
    if (extension != ".cc" && extension != ".h") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      absl::string_view rest = line;
      if (!absl::ConsumePrefix(&rest, "#include ")) continue;
      const std::vector<std::string> parts = absl::StrSplit(rest, absl::ByAnyChar("\"<>"));
      if (parts.size() > 1) includes.push_back({entry.path().lexically_relative(SUGGEST_SOURCE_DIR), parts[1]});
    }
  }
  EXPECT_FALSE(includes.empty()) << "no sources below " << root;
  return includes;
}

std::vector<std::string> Offenders(const std::string& folder, const std::vector<std::string>& forbidden_prefixes) {
  std::vector<std::string> offenders;
  for (const Include& include : IncludesBelow(folder)) {
    for (const std::string& prefix : forbidden_prefixes) {
      if (absl::StartsWith(include.target, prefix))
        offenders.push_back(absl::StrCat(include.file, " includes ", include.target));
    }
  }
  return offenders;
}

TEST(ArchitectureTest, BanditSeesNoProtosNoIoAndNoOtherFolder) {
  EXPECT_THAT(Offenders("bandit", {"suggest/", "google/", "features/", "storage/", "service/", "pqxx", "grpc",
                                   "prometheus", "fstream", "iostream", "absl/time/clock.h", "chrono", "thread"}),
              IsEmpty())
      << "rule: bandit is Eigen and Abseil only; no proto, no I/O, no clock";
}

TEST(ArchitectureTest, FeaturesDoNoIoReadNoClockAndSeeNeitherStorageNorService) {
  EXPECT_THAT(Offenders("features", {"storage/", "service/", "pqxx", "grpc", "prometheus", "fstream", "iostream",
                                     "absl/time/clock.h", "chrono"}),
              IsEmpty())
      << "rule: features is Eigen and protos; no I/O, no clock";
}

TEST(ArchitectureTest, StorageDoesNotSeeServiceOrGrpc) {
  EXPECT_THAT(Offenders("storage", {"service/", "grpc", "prometheus", "boost/"}), IsEmpty())
      << "rule: service depends on storage, never the other way round";
}

TEST(ArchitectureTest, OnlyStorageSeesPostgresAndSqlite) {
  EXPECT_THAT(Offenders("service", {"pqxx", "libpq", "sqlite3", "storage/postgres/database_internal.h",
                                    "storage/spool/sqlite_internal.h"}),
              IsEmpty())
      << "rule: storage is the only folder that includes pqxx or sqlite3, or holds SQL";
}

TEST(ArchitectureTest, DecisionAndLearningDoNotSeeGrpcOrTheServer) {
  for (const char* folder : {"service/decision", "service/learning"}) {
    EXPECT_THAT(Offenders(folder, {"grpc", "prometheus", "boost/", "service/server", "service/ctl", "service/cli",
                                   "service/chart"}),
                IsEmpty())
        << "rule: choosing and learning know nothing of how they are called";
  }
}

TEST(ArchitectureTest, OnlyItsOwnProgramSeesTheLaboratory) {
  for (const char* folder : {"bandit", "features", "storage", "service/chart", "service/cli", "service/common",
                             "service/ctl", "service/decision", "service/learning", "service/server"}) {
    EXPECT_THAT(Offenders(folder, {"service/lab"}), IsEmpty())
        << "rule: nothing of the product depends on the laboratory";
  }
}

TEST(ArchitectureTest, StreamsAndChartsSeeNothingOfTheService) {
  for (const char* folder : {"service/lab/streams", "service/chart"}) {
    EXPECT_THAT(
        Offenders(folder, {"grpc", "prometheus", "boost/", "suggest/", "storage/", "service/server", "service/ctl",
                           "service/cli", "service/learning", "service/decision", "service/lab/simulation"}),
        IsEmpty())
        << "rule: methods are judged on recorded data alone; charts are made of numbers";
  }
}

}  // namespace
}  // namespace suggest
