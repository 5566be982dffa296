// Follows the current model version: takes a new one into service as soon as it is published.
//
// A NOTIFY wakes it; whether one comes or not it looks every model_poll, so that a lost notification (its connection
// was cut) costs at most one period. A version that is corrupt, of a newer format or unusable is refused: the last good
// one stays in service, and log and metrics say so once per version and catalogue. So they do, with /readyz, when the
// database is there and the current model cannot be read from it.
//
// Threads: one caller at a time.
#ifndef SERVICE_SERVER_FOLLOW_MODEL_UPDATER_H_
#define SERVICE_SERVER_FOLLOW_MODEL_UPDATER_H_

#include <string>

#include "absl/status/status.h"
#include "service/server/readiness.h"
#include "service/server/suggest/suggestion_handlers.h"

namespace suggest::server {

class ModelUpdater {
 public:
  // `readiness` must outlive it.
  ModelUpdater(const Surroundings& surroundings, Readiness* readiness) : s_(surroundings), readiness_(readiness) {}

  // One look. Returns why no new version could be taken; also tells `readiness` and the serving state.
  absl::Status Poll();

 private:
  absl::Status CheckDatabase();
  absl::Status TakeCurrent();
  // Says once that the current model cannot be read, unless the database is away; returns `why`.
  absl::Status Unreadable(const absl::Status& why);
  void ForgetUnreadable();
  absl::Status Refuse(int64_t version, const absl::Status& why);
  absl::Status ReportAdopted();
  void ReportSwap(const decision::Snapshot& snapshot);

  const Surroundings s_;
  Readiness* const readiness_;
  bool database_was_up_ = false;
  bool logged_down_ = false;
  std::string unreadable_;  // what was said last; empty: it can be read
  int64_t refused_version_ = 0;
  std::string refused_with_catalogue_;
  int64_t reported_version_ = 0;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_FOLLOW_MODEL_UPDATER_H_
