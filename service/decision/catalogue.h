// The recommendations at one moment, named by their content; and the same encoded under one snapshot.
//
// A catalogue version is the serialized CatalogueVersion message (records in order of recommendation_id); its name is
// the SHA-256 of those bytes, so two replicas that read the same rows name them alike, and a decision that logs the
// name can be recomputed from the stored bytes. A candidate's index is its place in this order.
//
// A row of the view that cannot be used is withheld, by name, and the others serve: one whose recommendation_id is
// empty or longer than storage::kLongestIdBytes, and all but one of the rows of one id. Of rows that differ the one
// stays whose attributes, and then whose other columns, come first in byte order. An attribute that cannot be read
// counts as missing, now and whenever the version is read again.
//
// What is active changes only at the items' own active_from and active_until, so it is one mask per interval between
// two of these instants; the newest one asked for is kept and shared (a mask takes O(size) to make).
//
// Threads: both classes are immutable but for that cached mask, which a mutex guards; any number of readers.
#ifndef SERVICE_DECISION_CATALOGUE_H_
#define SERVICE_DECISION_CATALOGUE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/base/mutex.h"
#include "bandit/choose/candidate_set.h"
#include "bandit/choose/scoring.h"
#include "service/decision/snapshot.h"
#include "storage/records.h"

namespace suggest::decision {

struct CatalogueItem {
  std::string recommendation_id;
  std::string title;
  absl::Time active_from = absl::InfinitePast();
  absl::Time active_until = absl::InfiniteFuture();  // exclusive
  bool repeatable = false;
  features::Attributes attributes;
};

class Catalogue {
 public:
  // What a view shows, in any order.
  static absl::StatusOr<std::shared_ptr<const Catalogue>> FromRecords(
      const std::vector<storage::RecommendationRecord>& records);

  // The bytes that FromRecords would name and keep: cheap, for seeing whether anything changed at all. Appends to
  // *withheld, which may be null, what it would withhold.
  static std::string BytesOf(const std::vector<storage::RecommendationRecord>& records,
                             std::vector<std::string>* withheld = nullptr);

  // A stored version. Errors: DATA_LOSS when `bytes` do not have the SHA-256 `version` or cannot be read.
  static absl::StatusOr<std::shared_ptr<const Catalogue>> FromBytes(std::string bytes, absl::string_view version);

  const std::string& version() const { return version_; }  // 32 bytes
  const std::string& bytes() const { return bytes_; }
  int size() const { return static_cast<int>(items_.size()); }
  // REQUIRES: 0 <= index < size().
  const CatalogueItem& item(int index) const { return items_[index]; }
  std::optional<int> Find(absl::string_view recommendation_id) const;
  // Items whose attributes are no JSON object, so that each of them counts as missing; one sentence each.
  const std::vector<std::string>& unreadable() const { return unreadable_; }
  // The items with active_from <= now < active_until.
  std::shared_ptr<const bandit::CandidateMask> ActiveAt(absl::Time now) const;

 private:
  Catalogue() = default;
  absl::Status Read();

  std::string version_;
  std::string bytes_;
  std::vector<CatalogueItem> items_;
  std::vector<std::string> unreadable_;
  absl::flat_hash_map<std::string, int> index_;
  std::vector<absl::Time> changes_;  // ascending: when an item becomes active or inactive

  mutable Mutex mutex_;
  mutable size_t interval_ ABSL_GUARDED_BY(mutex_) = 0;  // of active_: after this many of changes_
  mutable std::shared_ptr<const bandit::CandidateMask> active_ ABSL_GUARDED_BY(mutex_);
};

// A catalogue encoded under a snapshot: all that choosing needs but the customer.
class Serving {
 public:
  // An attribute that a feature of the snapshot's schema cannot read counts as missing.
  static absl::StatusOr<std::shared_ptr<const Serving>> Create(std::shared_ptr<const Snapshot> snapshot,
                                                               std::shared_ptr<const Catalogue> catalogue);

  const Snapshot& snapshot() const { return *snapshot_; }
  const Catalogue& catalogue() const { return *catalogue_; }
  const std::shared_ptr<const Snapshot>& shared_snapshot() const { return snapshot_; }
  const std::shared_ptr<const Catalogue>& shared_catalogue() const { return catalogue_; }
  // z~_r of each item, in the catalogue's order.
  const bandit::CandidateMatrix& candidates() const { return candidates_; }
  // features::Popularity of each item, with the model's base rate as its prior rate.
  const std::vector<double>& popularity() const { return popularity_; }
  // What counts as missing since it cannot be read: recommendation, feature and column, without the value.
  const std::vector<std::string>& unreadable() const { return unreadable_; }

 private:
  Serving(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Catalogue> catalogue,
          bandit::CandidateMatrix candidates, std::vector<double> popularity, std::vector<std::string> unreadable);

  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Catalogue> catalogue_;
  bandit::CandidateMatrix candidates_;
  std::vector<double> popularity_;
  std::vector<std::string> unreadable_;
};

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_CATALOGUE_H_
