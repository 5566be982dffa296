#include "service/server/follow/serving_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"

namespace suggest::server {

absl::StatusOr<std::shared_ptr<const decision::Serving>> ServingState::Get() const {
  ReaderLock lock(mutex_);
  if (serving_ == nullptr) return absl::UnavailableError(absl::StrCat("not ready: ", absence_));
  return serving_;
}

int64_t ServingState::model_version() const {
  ReaderLock lock(writing_);
  return snapshot_ == nullptr ? 0 : snapshot_->version();
}

std::string ServingState::catalogue_version() const {
  ReaderLock lock(writing_);
  return catalogue_ == nullptr ? "" : catalogue_->version();
}

void ServingState::ExplainAbsence(std::string reason) {
  MutexLock lock(mutex_);
  absence_ = std::move(reason);
}

absl::Status ServingState::SetSnapshot(std::shared_ptr<const decision::Snapshot> snapshot) {
  MutexLock lock(writing_);
  absl::Status status = Rebuild(snapshot, catalogue_);
  if (!status.ok() && refused_catalogue_ != nullptr && Rebuild(snapshot, refused_catalogue_).ok()) {
    status = absl::OkStatus();
  }
  if (!status.ok()) refused_snapshot_ = std::move(snapshot);
  return status;
}

absl::Status ServingState::SetCatalogue(std::shared_ptr<const decision::Catalogue> catalogue) {
  MutexLock lock(writing_);
  absl::Status status = Rebuild(snapshot_, catalogue);
  if (!status.ok() && refused_snapshot_ != nullptr && Rebuild(refused_snapshot_, catalogue).ok()) {
    status = absl::OkStatus();
  }
  if (!status.ok()) refused_catalogue_ = std::move(catalogue);
  return status;
}

void ServingState::DropRefusedSnapshot() {
  MutexLock lock(writing_);
  refused_snapshot_ = nullptr;
}

absl::Status ServingState::Rebuild(std::shared_ptr<const decision::Snapshot> snapshot,
                                   std::shared_ptr<const decision::Catalogue> catalogue) {
  if (snapshot != nullptr && catalogue != nullptr) {
    ASSIGN_OR_RETURN(std::shared_ptr<const decision::Serving> next, decision::Serving::Create(snapshot, catalogue));
    MutexLock lock(mutex_);
    serving_.swap(next);
  }
  snapshot_ = std::move(snapshot);
  catalogue_ = std::move(catalogue);
  refused_snapshot_ = nullptr;
  refused_catalogue_ = nullptr;
  return absl::OkStatus();
}

}  // namespace suggest::server
