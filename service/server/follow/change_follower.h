// Hears what changes in the database and tells the caches: customers by their ids, the catalogue's updater, and
// decisions of other replicas. While it cannot hear, the customer cache is not used.
//
// Threads: Follow blocks its thread until stopped; the rest from any thread.
#ifndef SERVICE_SERVER_FOLLOW_CHANGE_FOLLOWER_H_
#define SERVICE_SERVER_FOLLOW_CHANGE_FOLLOWER_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bandit/base/mutex.h"
#include "service/server/cache/customer_cache.h"
#include "service/server/stop_signal.h"
#include "service/server/suggest/suggestion_handlers.h"
#include "storage/postgres/change_store.h"

namespace suggest::server {

class ChangeFollower {
 public:
  // `catalogue_changed` is signalled when the catalogue must be read again.
  ChangeFollower(const Surroundings& surroundings, StopSignal* catalogue_changed);

  // One round: waits up to `timeout` for changes and passes them on. Errors: UNAVAILABLE while it cannot listen.
  absl::Status Listen(absl::Duration timeout);
  void Follow(StopSignal& stop);

  // Whether the catalogue's tables tell of every change, and are heard.
  bool HearsCatalogue() const { return hears_catalogue_.load(); }

 private:
  void CheckTriggers();
  void Apply(const storage::Change& change);

  const Surroundings s_;
  StopSignal* const catalogue_changed_;
  storage::ChangeWatcher watcher_;
  storage::Coverage coverage_;
  std::string reported_;
  CustomerCache::Instant next_check_{};
  std::atomic<bool> hears_catalogue_{false};
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_FOLLOW_CHANGE_FOLLOWER_H_
