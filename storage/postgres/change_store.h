// What replicas tell each other, and what the triggers of migration 0003 tell them, over NOTIFY.
//
// Channel suggest_change; a payload is "<kind> *" (anything of the kind) or "<kind> [ids in JSON]". Kinds: customers
// and recommendations, from triggers; "decisions/<origin>" with customer ids, from replicas: these customers have a
// newer decision than another replica may know.
#ifndef STORAGE_POSTGRES_CHANGE_STORE_H_
#define STORAGE_POSTGRES_CHANGE_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/postgres/database.h"

namespace suggest::storage {

struct Change {
  enum class Kind { kCustomers, kRecommendations, kDecisions };
  Kind kind = Kind::kCustomers;
  std::string origin;            // of kDecisions: the replica that decided
  bool all = false;              // no list of ids: anything may have changed
  std::vector<std::string> ids;  // of customers
};

// Which source views every change of which is told by a trigger.
struct Coverage {
  bool customers = false;              // source.customers and source.purchases
  bool recommendations = false;        // source.recommendations
  std::vector<std::string> unwatched;  // the tables that lack one, each once
};

class ChangeStore {
 public:
  // `db` must outlive the store.
  explicit ChangeStore(Database* db) : db_(db) {}

  // Looks through the views at the tables behind them. Errors: FAILED_PRECONDITION before migration 3.
  absl::StatusOr<Coverage> Triggers() const;

  // Tells every replica that these customers have a new decision; an empty list: that any may have. Not durable and so
  // not waited for.
  absl::Status AnnounceDecisions(const std::string& origin, absl::Span<const std::string> customer_ids);

 private:
  Database* const db_;
};

// Listens for changes, on a connection of its own.
//
// Threads: one caller.
class ChangeWatcher {
 public:
  // `db` must outlive the watcher; only its options are used.
  explicit ChangeWatcher(Database* db);
  ~ChangeWatcher();
  ChangeWatcher(const ChangeWatcher&) = delete;
  ChangeWatcher& operator=(const ChangeWatcher&) = delete;

  // What was told since the last call, as soon as there is something, or after `timeout` (at most an hour) nothing. A
  // round trip proves that the connection lives: all that was committed before this call began is in this answer or in
  // an earlier one. The first answer of a new session says that anything may have changed.
  // Errors: UNAVAILABLE, at once; the next call opens a new session.
  absl::StatusOr<std::vector<Change>> Wait(absl::Duration timeout);

 private:
  struct Session;
  absl::Status Open();

  Database* const db_;
  std::unique_ptr<Session> session_;
};

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_CHANGE_STORE_H_
