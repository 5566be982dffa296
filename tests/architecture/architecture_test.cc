// Holds the direction of dependencies: which folder may include what. Reads the sources' #include lines.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
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

// The includes of `folder` that begin with `prefix` and with none of `allowed`.
std::vector<std::string> NotAllowed(const std::string& folder, const std::string& prefix,
                                    const std::vector<std::string>& allowed) {
  std::vector<std::string> offenders;
  for (const Include& include : IncludesBelow(folder)) {
    if (!absl::StartsWith(include.target, prefix)) continue;
    if (std::none_of(allowed.begin(), allowed.end(),
                     [&](const std::string& known) { return absl::StartsWith(include.target, known); })) {
      offenders.push_back(absl::StrCat(include.file, " includes ", include.target));
    }
  }
  return offenders;
}

TEST(ArchitectureTest, SubFoldersOfBanditDependInOneDirection) {
  const std::string matrix = "bandit/choose/candidate_matrix.h";
  EXPECT_THAT(NotAllowed("bandit/base", "bandit/", {"bandit/base/"}), IsEmpty()) << "rule: base sees no other folder";
  EXPECT_THAT(NotAllowed("bandit/model", "bandit/", {"bandit/base/", "bandit/model/", matrix}), IsEmpty())
      << "rule: the model does not know how it is chosen by, but for the matrix of candidates";
  for (const char* folder : {"bandit/choose", "bandit/propensity"}) {
    EXPECT_THAT(
        NotAllowed(folder, "bandit/", {"bandit/base/", "bandit/model/", "bandit/choose/", "bandit/propensity/"}),
        IsEmpty())
        << "rule: choosing knows nothing of delays and of evaluation";
  }
  EXPECT_THAT(NotAllowed("bandit/delay", "bandit/", {"bandit/base/", "bandit/model/", "bandit/delay/"}), IsEmpty())
      << "rule: delays are about sums and models, not about choosing";
  EXPECT_THAT(NotAllowed("bandit/measure", "bandit/", {"bandit/base/", "bandit/measure/"}), IsEmpty())
      << "rule: measures are made of numbers";
}

TEST(ArchitectureTest, SubFoldersOfTheLaboratoryDependInOneDirection) {
  for (const char* folder : {"service/lab/simulation", "service/lab/streams"}) {
    EXPECT_THAT(
        NotAllowed(folder, "service/lab/", {folder, "service/lab/event_weights.h", "service/lab/importance_weights.h"}),
        IsEmpty())
        << "rule: the made-up company and the streams do not see each other, nor the program";
  }
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Files below the folder, without those that `skip` says.
template <typename Skip>
std::vector<std::string> FilesWith(const std::string& folder, const std::vector<std::string>& words, Skip skip) {
  std::vector<std::string> found;
  const std::filesystem::path root = std::filesystem::path(SUGGEST_SOURCE_DIR) / folder;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(SUGGEST_SOURCE_DIR);
    if (skip(name)) continue;
    const std::string text = ReadText(entry.path());
    for (const std::string& word : words) {
      if (absl::StrContains(text, word)) found.push_back(absl::StrCat(name, " has ", word));
    }
  }
  return found;
}

TEST(ArchitectureTest, OnlyKernelsAndTheirBaseHaveVectorInstructions) {
  const std::vector<std::string> words = {"immintrin.h",    "_mm_",          "_mm256_",    "_mm512_",
                                          "vector_size",    "target_clones", "GCC target", "__attribute__((target",
                                          "each_width.inc", "vectors.inc"};
  for (const char* folder : {"bandit", "features", "storage", "service"}) {
    EXPECT_THAT(FilesWith(folder, words,
                          [](const std::string& name) {
                            return absl::EndsWith(name, "_kernel.cc") || absl::EndsWith(name, "_kernel.inc") ||
                                   absl::StartsWith(name, "bandit/base/");
                          }),
                IsEmpty())
        << "rule: vector instructions are in files named *_kernel.cc (and .inc) and in bandit/base";
  }
}

TEST(ArchitectureTest, DeployDoesNotReachIntoTests) {
  EXPECT_THAT(FilesWith("deploy", {"tests/"}, [](const std::string&) { return false; }), IsEmpty())
      << "rule: what is deployed does not need the tests";
}

TEST(ArchitectureTest, NothingOfTheProductLinksTheLaboratory) {
  std::vector<std::string> offenders;
  for (const char* folder : {"bandit", "features", "storage", "service"}) {
    const std::string text = ReadText(std::filesystem::path(SUGGEST_SOURCE_DIR) / folder / "CMakeLists.txt");
    for (const absl::string_view command : absl::StrSplit(text, "target_link_libraries(")) {
      const absl::string_view call = command.substr(0, command.find(')'));
      const absl::string_view target = call.substr(0, call.find_first_of(" \n"));
      if (target == "suggest_lab" || target == "suggestlab" || !absl::StrContains(call, "suggest_lab")) continue;
      offenders.push_back(absl::StrCat(folder, "/CMakeLists.txt: ", target));
    }
  }
  EXPECT_THAT(offenders, IsEmpty()) << "rule: only its own program, tests and benchmarks link the laboratory";
}

}  // namespace
}  // namespace suggest
