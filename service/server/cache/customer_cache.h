// What is known of customers, kept between requests, in bounded memory.
//
// An entry may be used while three things hold: the changes can be heard (the listener proved its connection alive less
// than a second ago), the domain time is before the state's valid_until, and either triggers tell of every change to
// the tables or the entry is younger than max_age. Heard changes outdate entries; a new listening session outdates all,
// since what was told in between is lost. A load that began before a change came in is answered but not kept.
//
// Beside the state an entry may know the customer's open decision, or that there is none: this replica's own decisions
// are entered when they are kept, those of others are announced.
//
// Least recently used entries go first, in each of 16 shards by itself. Sizes are estimates. Concurrent misses of one
// customer make one load.
//
// Threads: any.
#ifndef SERVICE_SERVER_CACHE_CUSTOMER_CACHE_H_
#define SERVICE_SERVER_CACHE_CUSTOMER_CACHE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/base/mutex.h"
#include "service/decision/customer.h"
#include "service/server/metrics.h"
#include "storage/records.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::server {

class CustomerCache {
 public:
  using State = std::shared_ptr<const decision::Customer>;
  // Null: there is none.
  using Open = std::shared_ptr<const storage::DecisionRecord>;
  using Instant = std::chrono::steady_clock::time_point;

  // How long a sign of life of the listener counts.
  static constexpr std::chrono::milliseconds kHeardFor{1000};

  // `config` is complete and valid. `metrics` must outlive the cache. `serve_stale`: when the load of a customer says
  // UNAVAILABLE, an entry that may no longer be used is (with a spool: the database is away, nobody can change it, and
  // an old state serves better than none). Changed entries are then kept as stale ones, within the same bounds.
  CustomerCache(const config::v1::CustomerCache& config, bool serve_stale, Metrics* metrics);

  // The state of the customer at `now`, from the cache or by `load`. Errors: those of `load`.
  absl::StatusOr<State> Get(const std::string& customer_id, absl::Time now,
                            const std::function<absl::StatusOr<storage::CustomerState>()>& load);

  // What can be had at once: the state where it may be used, else null; nothing is loaded.
  State Peek(const std::string& customer_id, absl::Time now);

  // The customer's open decision as of `since`, from the cache or by `find`, which looks for the newest decision from
  // `since` on. Errors: those of `find`.
  absl::StatusOr<Open> GetOpen(const std::string& customer_id, absl::Time since,
                               const std::function<absl::StatusOr<std::optional<storage::DecisionRecord>>()>& find);
  // Whether it is known that nothing is open as of `since`.
  bool KnowsNoneOpen(const std::string& customer_id, absl::Time since);
  // This replica has answered with it.
  void SetOpen(const std::string& customer_id, Open open);
  // Somebody else may have decided, or this replica's decision was not delivered.
  void ForgetOpen(const std::string& customer_id);

  void Invalidate(const std::string& customer_id);
  void InvalidateAll();
  // As ForgetOpen, for every customer.
  void ForgetAllOpen();

  // The listener is alive at `now`; `triggers`: they tell of every change to a customer's tables.
  void Heard(Instant now, bool triggers);
  // The listener is not: nothing is taken from the cache until it is heard again.
  void Unheard();

 private:
  struct Entry {
    std::string customer_id;
    State state;
    Instant loaded_at;
    bool stale = false;  // changed since it was loaded
    bool open_known = false;
    Open open;
    int64_t bytes = 0;
  };
  struct Flight {
    std::promise<absl::StatusOr<State>> promise;
    std::shared_future<absl::StatusOr<State>> result = promise.get_future().share();
    bool keep = true;  // no change came in since it began
  };
  struct Shard {
    Mutex mutex;
    std::list<Entry> entries ABSL_GUARDED_BY(mutex);  // most recently used first
    absl::flat_hash_map<std::string, std::list<Entry>::iterator> index ABSL_GUARDED_BY(mutex);
    absl::flat_hash_map<std::string, std::shared_ptr<Flight>> flights ABSL_GUARDED_BY(mutex);
    int64_t bytes ABSL_GUARDED_BY(mutex) = 0;
    uint64_t open_changes ABSL_GUARDED_BY(mutex) = 0;
  };

  Shard& ShardOf(absl::string_view customer_id);
  // Changes are heard.
  bool Hearing() const;
  bool Usable(const Entry& entry, absl::Time now) const;
  // Null when there is none that may be used; `stale` counts those too that may not.
  State Find(Shard& shard, const std::string& customer_id, absl::Time now, bool stale)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  absl::StatusOr<State> Load(Shard& shard, const std::string& customer_id, absl::Time now,
                             const std::shared_ptr<Flight>& flight,
                             const std::function<absl::StatusOr<storage::CustomerState>()>& load);
  void Insert(Shard& shard, const std::string& customer_id, State state, Instant loaded_at, bool stale)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  void Erase(Shard& shard, std::list<Entry>::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  // Erases it, or keeps it as a stale one.
  void Outdate(Shard& shard, std::list<Entry>::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  void Resize(Shard& shard, Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);
  void Shrink(Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);

  static constexpr int kShards = 16;

  const int64_t most_entries_;  // of a shard
  const int64_t most_bytes_;
  const std::chrono::nanoseconds max_age_;
  const config::v1::CustomerCache::ChangeDetection detection_;
  const bool serve_stale_;
  Metrics* const metrics_;
  std::array<Shard, kShards> shards_;
  std::atomic<Instant::rep> heard_until_{0};
  std::atomic<bool> told_{false};  // every change is told by a trigger
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_CACHE_CUSTOMER_CACHE_H_
