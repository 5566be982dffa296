// Tells the other replicas which customers have a new decision, so that they do not take an older one for the
// customer's open decision.
//
// A NOTIFY in every commit would make the commits of all replicas take turns, and wake every listener for each; so the
// ids of 100 ms go out together, in a transaction that nobody waits for. A replica that starts announces that any
// customer may have one: what a killed one did not get to say is made good.
//
// Threads: any.
#ifndef SERVICE_SERVER_COMMIT_DECISION_ANNOUNCER_H_
#define SERVICE_SERVER_COMMIT_DECISION_ANNOUNCER_H_

#include <string>

#include "absl/container/flat_hash_set.h"
#include "bandit/base/mutex.h"
#include "service/server/stop_signal.h"
#include "storage/postgres/change_store.h"

namespace suggest::server {

class DecisionAnnouncer {
 public:
  // `origin` names this replica among all. `database` must outlive the announcer.
  DecisionAnnouncer(std::string origin, storage::Database* database) : origin_(std::move(origin)), store_(database) {}

  const std::string& origin() const { return origin_; }
  void Add(const std::string& customer_id);
  // Sends what was added, and "any" at the first time. What cannot be sent is sent later.
  absl::Status Send();
  // Sends every 100 ms until stopped, and a last time.
  void Run(StopSignal& stop);

 private:
  // More ids than this go out as "any".
  static constexpr size_t kMost = 5000;

  const std::string origin_;
  storage::ChangeStore store_;
  Mutex mutex_;
  absl::flat_hash_set<std::string> customers_ ABSL_GUARDED_BY(mutex_);
  bool any_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_COMMIT_DECISION_ANNOUNCER_H_
