// What this replica serves from: the snapshot and the catalogue last accepted, encoded together.
//
// A reader copies one shared pointer under a reader's lock and keeps what it points to for as long as its request
// takes; the watchers build the next one aside and only then swap the pointer. What cannot be built leaves the last
// good one.
//
// Threads: any number of readers and writers; writers take turns.
#ifndef SERVICE_SERVER_FOLLOW_SERVING_STATE_H_
#define SERVICE_SERVER_FOLLOW_SERVING_STATE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bandit/base/mutex.h"
#include "service/decision/catalogue.h"
#include "service/decision/snapshot.h"

namespace suggest::server {

class ServingState {
 public:
  // Errors: UNAVAILABLE saying what is missing: a model or a catalogue, and why when a watcher said so.
  absl::StatusOr<std::shared_ptr<const decision::Serving>> Get() const;

  // The versions last accepted, in service or waiting for the other part; 0 and "" before there is one.
  // For the updaters: they wait while another part is being built.
  int64_t model_version() const;
  std::string catalogue_version() const;

  // Takes the snapshot into service with the catalogue in hand, or keeps it until there is one. When they do not fit, a
  // catalogue that was refused before is tried with it.
  // Errors: decision::Serving::Create's; the last good ones stay in service.
  absl::Status SetSnapshot(std::shared_ptr<const decision::Snapshot> snapshot);
  // The same for a catalogue.
  absl::Status SetCatalogue(std::shared_ptr<const decision::Catalogue> catalogue);
  // What was refused is no longer current, so no catalogue may bring it into service.
  void DropRefusedSnapshot();

  // Why there is no model or no catalogue yet, for Get's message.
  void ExplainAbsence(std::string reason);

 private:
  absl::Status Rebuild(std::shared_ptr<const decision::Snapshot> snapshot,
                       std::shared_ptr<const decision::Catalogue> catalogue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writing_);

  mutable Mutex writing_;
  std::shared_ptr<const decision::Snapshot> snapshot_ ABSL_GUARDED_BY(writing_);
  std::shared_ptr<const decision::Catalogue> catalogue_ ABSL_GUARDED_BY(writing_);
  // The last ones that did not fit: a schema and its catalogue may only fit each other.
  std::shared_ptr<const decision::Snapshot> refused_snapshot_ ABSL_GUARDED_BY(writing_);
  std::shared_ptr<const decision::Catalogue> refused_catalogue_ ABSL_GUARDED_BY(writing_);

  mutable Mutex mutex_;
  std::shared_ptr<const decision::Serving> serving_ ABSL_GUARDED_BY(mutex_);
  std::string absence_ ABSL_GUARDED_BY(mutex_) = "starting";
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_FOLLOW_SERVING_STATE_H_
