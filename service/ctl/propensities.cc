// suggestctl propensities: computes what was deferred, in process, on the configured database.
#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/ctl/commands.h"
#include "service/decision/deferred.h"
#include "service/decision/stored_servings.h"
#include "storage/log/decision_store.h"
#include "storage/log/deferred_store.h"

namespace suggest::ctl {
namespace {

using decision::Serving;
using storage::DeferredDecision;

// A page is ordered by version, so that each version's model is loaded once per page; only ids are held of it.
constexpr int kPage = 20'000;
// Decisions that are stored in one transaction.
constexpr size_t kStoredTogether = 100;

struct Counts {
  int64_t deferred = 0;
  int64_t filled = 0;
  int64_t failed = 0;
  std::string first_failure;
};

bool SameVersions(const DeferredDecision& a, const DeferredDecision& b) {
  return a.model_version == b.model_version && a.catalogue_version == b.catalogue_version;
}

class Filler {
 public:
  Filler(storage::Database* database, ProgressLine* progress, int64_t total)
      : database_(database), progress_(progress), total_(total), servings_(database) {}

  // Fills in all with decided_at >= since.
  absl::StatusOr<Counts> Run(absl::Time since) {
    DeferredDecision last;
    for (;;) {
      ASSIGN_OR_RETURN(std::vector<DeferredDecision> page,
                       storage::DeferredStore(database_).PageAfter(last, since, kPage));
      if (page.empty()) break;
      last = page.back();
      RETURN_IF_ERROR(FillPage(std::move(page)));
    }
    return counts_;
  }

 private:
  absl::Status FillPage(std::vector<DeferredDecision> page) {
    std::stable_sort(page.begin(), page.end(), [](const DeferredDecision& a, const DeferredDecision& b) {
      return std::tie(a.model_version, a.catalogue_version) < std::tie(b.model_version, b.catalogue_version);
    });
    for (auto begin = page.begin(); begin != page.end();) {
      const auto end = std::find_if(begin, page.end(), [&](const auto& d) { return !SameVersions(*begin, d); });
      RETURN_IF_ERROR(FillVersion({begin, end}));
      begin = end;
    }
    return absl::OkStatus();
  }

  // Decisions of one model version and one catalogue version.
  absl::Status FillVersion(const std::vector<DeferredDecision>& decisions) {
    counts_.deferred += static_cast<int64_t>(decisions.size());
    const auto serving = servings_.Get(decisions.front().model_version, decisions.front().catalogue_version);
    if (absl::IsUnavailable(serving.status())) return serving.status();
    std::vector<storage::DecisionRecord> filled;
    for (size_t i = 0; i < decisions.size(); ++i) {
      absl::StatusOr<storage::DecisionRecord> record =
          serving.ok() ? Fill(**serving, decisions[i]) : absl::StatusOr<storage::DecisionRecord>(serving.status());
      if (absl::IsUnavailable(record.status())) return record.status();
      if (record.ok()) {
        if (record->propensity_status != v1::DEFERRED) filled.push_back(*std::move(record));
      } else {
        NoteFailure(decisions[i], record.status());
      }
      if (filled.size() < kStoredTogether && i + 1 < decisions.size()) continue;
      RETURN_IF_ERROR(Store(&filled));
      progress_->Update("propensities", counts_.filled + counts_.failed, total_);
    }
    return absl::OkStatus();
  }

  // A record that another run has filled in meanwhile comes back as it is.
  absl::StatusOr<storage::DecisionRecord> Fill(const Serving& serving, const DeferredDecision& decision) {
    ASSIGN_OR_RETURN(storage::DecisionRecord record,
                     storage::DecisionStore(database_).Find(decision.customer_id, decision.decision_id));
    if (record.propensity_status == v1::DEFERRED) RETURN_IF_ERROR(decision::FillDeferred(serving, &record));
    return record;
  }

  absl::Status Store(std::vector<storage::DecisionRecord>* filled) {
    ASSIGN_OR_RETURN(const int stored, storage::DeferredStore(database_).Fill(*filled));
    counts_.filled += stored;
    filled->clear();
    return absl::OkStatus();
  }

  void NoteFailure(const DeferredDecision& decision, const absl::Status& status) {
    ++counts_.failed;
    if (counts_.first_failure.empty()) {
      counts_.first_failure = absl::StrCat("decision ", decision.decision_id, " of customer ", decision.customer_id,
                                           ": ", status.message());
    }
  }

  storage::Database* const database_;
  ProgressLine* const progress_;
  const int64_t total_;
  decision::StoredServings servings_;
  Counts counts_;
};

Outcome Report(const Counts& counts, bool dry_run) {
  std::string text = dry_run ? absl::StrCat(GroupDigits(counts.deferred), " decisions have deferred propensities\n")
                             : absl::StrCat(GroupDigits(counts.filled), " of ", GroupDigits(counts.deferred),
                                            " decisions filled in\n");
  if (counts.failed > 0) {
    absl::StrAppend(&text, GroupDigits(counts.failed), " failed; the first: ", counts.first_failure, "\n");
  }
  Outcome outcome{Json::object({{"dry_run", dry_run},
                                {"deferred", counts.deferred},
                                {"filled", counts.filled},
                                {"failures", counts.failed},
                                {"first_failure", counts.first_failure}}),
                  text};
  if (counts.failed > 0) {
    outcome.exit = ExitCode::kFailed;
  } else if (counts.deferred == 0) {
    outcome.exit = ExitCode::kNothingToDo;
  }
  return outcome;
}

absl::StatusOr<Outcome> RunPropensities(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  storage::Database* database = session.database.get();
  const absl::Time since = invocation.flags.Time("since", absl::InfinitePast());
  ASSIGN_OR_RETURN(const int64_t total, storage::DeferredStore(database).Count(since));
  if (invocation.flags.Switch("dry-run")) return Report({.deferred = total, .first_failure = {}}, true);
  ASSIGN_OR_RETURN(const Counts counts, Filler(database, &invocation.progress, total).Run(since));
  invocation.progress.Finish();
  return Report(counts, false);
}

}  // namespace

Command PropensitiesCommand() {
  return {.name = "propensities",
          .summary = "Computes the propensities that were deferred, exactly, into the decision log.",
          .details =
              "From each decision's model version, catalogue version, logged inputs and seed. May be killed and run "
              "again.\n"
              "Exit code 3: none is deferred.",
          .flags = {{.name = "since",
                     .kind = FlagKind::kTime,
                     .value_name = "TIME",
                     .help = "Only decisions from this time on; all by default."},
                    {.name = "dry-run", .kind = FlagKind::kSwitch, .help = "Count them; change nothing."}},
          .run = RunPropensities};
}

}  // namespace suggest::ctl
