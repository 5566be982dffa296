// Whether this replica can answer Suggest, and if not, why. What /readyz and the health service show.
//
// Threads: any.
#ifndef SERVICE_SERVER_READINESS_H_
#define SERVICE_SERVER_READINESS_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "bandit/base/mutex.h"
#include "bandit/base/status_macros.h"
#include "service/server/commit/decision_committer.h"
#include "service/server/commit/spool_keeper.h"
#include "service/server/follow/serving_state.h"

namespace suggest::server {

class Readiness {
 public:
  // Both must outlive it. `spool` stands in for a database that is away; null: nothing does.
  explicit Readiness(const ServingState* serving, const SpoolKeeper* spool = nullptr)
      : serving_(serving), spool_(spool) {}

  // Whose commits count as well. It must live until the last Check.
  void Watch(const DecisionCommitter* committer) { committer_ = committer; }

  // OK, or UNAVAILABLE with the reason: draining, the database cannot be reached and nothing stands in for it (the
  // spool is full, for one), decisions cannot be committed, no
  // model, no catalogue, nothing in it.
  absl::Status Check() const {
    {
      ReaderLock lock(mutex_);
      if (draining_) return absl::UnavailableError("draining");
      if (spool_ == nullptr || !SpoolKeeper::SaysAway(database_)) RETURN_IF_ERROR(database_);
    }
    if (spool_ != nullptr && spool_->away() && spool_->full()) {
      return absl::UnavailableError("the database is away and the spool takes no more");
    }
    if (committer_ != nullptr) RETURN_IF_ERROR(committer_->Health());
    const auto serving = serving_->Get();
    RETURN_IF_ERROR(serving.status());
    if ((*serving)->catalogue().size() > 0) return absl::OkStatus();
    return absl::UnavailableError("the catalogue is empty: no row of source.recommendations can be served");
  }

  // What an operator should know beside it; may be empty.
  std::string Note() const {
    std::vector<std::string> notes;
    if (spool_ != nullptr) notes.push_back(spool_->Describe());
    {
      ReaderLock lock(mutex_);
      notes.push_back(model_);
      notes.push_back(catalogue_);
    }
    notes.erase(std::remove(notes.begin(), notes.end(), ""), notes.end());
    return absl::StrJoin(notes, "; ");
  }

  // What is wrong with the catalogue in service; empty: nothing.
  void SetCatalogueNote(std::string note) {
    MutexLock lock(mutex_);
    catalogue_ = std::move(note);
  }

  // Why the current model is not the one in service; empty: it is.
  void SetModelNote(std::string note) {
    MutexLock lock(mutex_);
    model_ = std::move(note);
  }

  // What the last look at the database found.
  void SetDatabase(absl::Status status) {
    MutexLock lock(mutex_);
    database_ = std::move(status);
  }

  // From now on never ready again.
  void Drain() {
    MutexLock lock(mutex_);
    draining_ = true;
  }

 private:
  const ServingState* const serving_;
  const SpoolKeeper* const spool_;
  const DecisionCommitter* committer_ = nullptr;
  mutable Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status database_ ABSL_GUARDED_BY(mutex_);
  std::string catalogue_ ABSL_GUARDED_BY(mutex_);
  std::string model_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_READINESS_H_
