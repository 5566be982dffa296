#include "service/server/cache/customer_cache.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "bandit/base/status_macros.h"
#include "service/common/config.h"

namespace suggest::server {
namespace {

using std::chrono::steady_clock;

// What an entry costs beside its content: list and map nodes, the control block.
constexpr int64_t kEntryBytes = 256;

// Asked for with every decision: by the sizes that vary, not by reflection.
int64_t BytesOf(const storage::DecisionRecord& record) {
  const model::v1::DecisionInputs& inputs = record.inputs;
  const int64_t numbers = inputs.customer_size() + inputs.recommendations_size() + inputs.candidates_size() +
                          inputs.pair_candidates_size() + inputs.pair_values_size();
  const int64_t slots = inputs.slate_size();
  return static_cast<int64_t>(sizeof(record)) + kEntryBytes + 4 * numbers + 128 * slots;
}

}  // namespace

CustomerCache::CustomerCache(const config::v1::CustomerCache& config, bool serve_stale, Metrics* metrics)
    : most_entries_((config.max_entries() + kShards - 1) / kShards),
      most_bytes_(config.max_bytes() / kShards),
      max_age_(absl::ToChronoNanoseconds(ToAbslDuration(config.max_age()))),
      detection_(config.change_detection()),
      serve_stale_(serve_stale),
      metrics_(metrics) {}

CustomerCache::Shard& CustomerCache::ShardOf(absl::string_view customer_id) {
  return shards_[absl::Hash<absl::string_view>()(customer_id) % kShards];
}

bool CustomerCache::Hearing() const {
  return steady_clock::now().time_since_epoch().count() <= heard_until_.load(std::memory_order_acquire);
}

bool CustomerCache::Usable(const Entry& entry, absl::Time now) const {
  const Instant::rep instant = steady_clock::now().time_since_epoch().count();
  if (entry.stale || instant > heard_until_.load(std::memory_order_acquire) || now >= entry.state->state().valid_until)
    return false;
  return told_.load(std::memory_order_acquire) || Instant(Instant::duration(instant)) - entry.loaded_at <= max_age_;
}

CustomerCache::State CustomerCache::Find(Shard& shard, const std::string& customer_id, absl::Time now, bool stale) {
  const auto found = shard.index.find(customer_id);
  if (found == shard.index.end() || !(stale || Usable(*found->second, now))) return nullptr;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->state;
}

CustomerCache::State CustomerCache::Peek(const std::string& customer_id, absl::Time now) {
  Shard& shard = ShardOf(customer_id);
  MutexLock lock(shard.mutex);
  State state = Find(shard, customer_id, now, false);
  if (state != nullptr) metrics_->RecordCacheHit();
  return state;
}

absl::StatusOr<CustomerCache::State> CustomerCache::Get(
    const std::string& customer_id, absl::Time now,
    const std::function<absl::StatusOr<storage::CustomerState>()>& load) {
  Shard& shard = ShardOf(customer_id);
  std::shared_ptr<Flight> own;
  std::shared_future<absl::StatusOr<State>> others;
  {
    MutexLock lock(shard.mutex);
    if (State state = Find(shard, customer_id, now, false); state != nullptr) {
      metrics_->RecordCacheHit();
      return state;
    }
    metrics_->RecordCacheMiss();
    std::shared_ptr<Flight>& flight = shard.flights[customer_id];
    if (flight == nullptr) {
      own = flight = std::make_shared<Flight>();
    } else {
      others = flight->result;
    }
  }
  if (own != nullptr) return Load(shard, customer_id, now, own, load);
  const absl::StatusOr<State>& result = others.get();
  // The other request may have come a moment before a future row takes effect.
  if (!result.ok() || now < (*result)->state().valid_until) return result;
  ASSIGN_OR_RETURN(storage::CustomerState state, load());
  return std::make_shared<const decision::Customer>(std::move(state));
}

absl::StatusOr<CustomerCache::State> CustomerCache::Load(
    Shard& shard, const std::string& customer_id, absl::Time now, const std::shared_ptr<Flight>& flight,
    const std::function<absl::StatusOr<storage::CustomerState>()>& load) {
  const Instant began = steady_clock::now();
  absl::StatusOr<storage::CustomerState> loaded = load();
  absl::StatusOr<State> result = State();
  if (loaded.ok()) {
    result = std::make_shared<const decision::Customer>(*std::move(loaded));
  } else {
    result = loaded.status();
  }
  {
    MutexLock lock(shard.mutex);
    if (flight->keep) shard.flights.erase(customer_id);
    if (result.ok() && (flight->keep || (serve_stale_ && !shard.index.contains(customer_id)))) {
      Insert(shard, customer_id, *result, began, !flight->keep);
    }
    if (serve_stale_ && result.status().code() == absl::StatusCode::kUnavailable) {
      if (State stale = Find(shard, customer_id, now, true); stale != nullptr) result = std::move(stale);
    }
  }
  flight->promise.set_value(result);
  return result;
}

void CustomerCache::Insert(Shard& shard, const std::string& customer_id, State state, Instant loaded_at, bool stale) {
  if (most_entries_ == 0 || !state->state().attributes.has_value()) return;
  if (const auto found = shard.index.find(customer_id); found != shard.index.end()) {
    Entry& entry = *found->second;
    entry.state = std::move(state);
    entry.loaded_at = loaded_at;
    entry.stale = stale;
    shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
    Resize(shard, entry);
  } else {
    Entry& entry = shard.entries.emplace_front();
    entry.customer_id = customer_id;
    entry.state = std::move(state);
    entry.loaded_at = loaded_at;
    entry.stale = stale;
    shard.index[customer_id] = shard.entries.begin();
    metrics_->AddCacheEntries(1, 0);
    Resize(shard, entry);
  }
  Shrink(shard);
}

void CustomerCache::Resize(Shard& shard, Entry& entry) {
  int64_t bytes = kEntryBytes + 2 * static_cast<int64_t>(entry.customer_id.size()) + entry.state->bytes();
  if (entry.open != nullptr) bytes += BytesOf(*entry.open);
  if (bytes == entry.bytes) return;  // as with most new decisions
  shard.bytes += bytes - entry.bytes;
  metrics_->AddCacheEntries(0, bytes - entry.bytes);
  entry.bytes = bytes;
}

void CustomerCache::Shrink(Shard& shard) {
  while (static_cast<int64_t>(shard.entries.size()) > most_entries_ || shard.bytes > most_bytes_) {
    Erase(shard, std::prev(shard.entries.end()));
    metrics_->RecordCacheEviction();
  }
}

void CustomerCache::Erase(Shard& shard, std::list<Entry>::iterator entry) {
  shard.bytes -= entry->bytes;
  metrics_->AddCacheEntries(-1, -entry->bytes);
  shard.index.erase(entry->customer_id);
  shard.entries.erase(entry);
}

void CustomerCache::Outdate(Shard& shard, std::list<Entry>::iterator entry) {
  if (!serve_stale_) return Erase(shard, entry);
  entry->stale = true;
  entry->open = nullptr;
  entry->open_known = false;
  Resize(shard, *entry);
}

absl::StatusOr<CustomerCache::Open> CustomerCache::GetOpen(
    const std::string& customer_id, absl::Time since,
    const std::function<absl::StatusOr<std::optional<storage::DecisionRecord>>()>& find) {
  Shard& shard = ShardOf(customer_id);
  const auto newer = [&](Open open) { return open != nullptr && open->decided_at >= since ? open : nullptr; };
  uint64_t changes = 0;
  {
    MutexLock lock(shard.mutex);
    const auto found = shard.index.find(customer_id);
    // Only the listener's life counts here: a future row of the customer changes no decision.
    if (found != shard.index.end() && found->second->open_known && Hearing()) {
      return newer(found->second->open);
    }
    changes = shard.open_changes;
  }
  ASSIGN_OR_RETURN(std::optional<storage::DecisionRecord> decision, find());
  Open open;
  if (decision.has_value()) open = std::make_shared<const storage::DecisionRecord>(*std::move(decision));
  MutexLock lock(shard.mutex);
  const auto found = shard.index.find(customer_id);
  if (found != shard.index.end() && changes == shard.open_changes) {
    found->second->open = open;
    found->second->open_known = true;
    Resize(shard, *found->second);
    Shrink(shard);
  }
  return open;
}

bool CustomerCache::KnowsNoneOpen(const std::string& customer_id, absl::Time since) {
  Shard& shard = ShardOf(customer_id);
  MutexLock lock(shard.mutex);
  const auto found = shard.index.find(customer_id);
  if (found == shard.index.end() || !found->second->open_known || !Hearing()) return false;
  return found->second->open == nullptr || found->second->open->decided_at < since;
}

void CustomerCache::SetOpen(const std::string& customer_id, Open open) {
  Shard& shard = ShardOf(customer_id);
  MutexLock lock(shard.mutex);
  ++shard.open_changes;
  const auto found = shard.index.find(customer_id);
  if (found == shard.index.end()) return;
  Entry& entry = *found->second;
  // Ids of one customer are in the order of time: of two that end at once, the newer stays.
  if (entry.open_known && entry.open != nullptr && entry.open->decision_id > open->decision_id) return;
  entry.open = std::move(open);
  entry.open_known = true;
  Resize(shard, entry);
  Shrink(shard);
}

void CustomerCache::ForgetOpen(const std::string& customer_id) {
  Shard& shard = ShardOf(customer_id);
  MutexLock lock(shard.mutex);
  ++shard.open_changes;
  const auto found = shard.index.find(customer_id);
  if (found == shard.index.end()) return;
  found->second->open = nullptr;
  found->second->open_known = false;
  Resize(shard, *found->second);
}

void CustomerCache::Invalidate(const std::string& customer_id) {
  Shard& shard = ShardOf(customer_id);
  MutexLock lock(shard.mutex);
  metrics_->RecordCacheInvalidation();
  if (const auto flight = shard.flights.find(customer_id); flight != shard.flights.end()) {
    flight->second->keep = false;
    shard.flights.erase(flight);
  }
  if (const auto found = shard.index.find(customer_id); found != shard.index.end()) Outdate(shard, found->second);
}

void CustomerCache::InvalidateAll() {
  metrics_->RecordCacheInvalidation();
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    ++shard.open_changes;
    for (auto& [id, flight] : shard.flights) flight->keep = false;
    shard.flights.clear();
    for (auto entry = shard.entries.begin(); entry != shard.entries.end();) Outdate(shard, entry++);
  }
}

void CustomerCache::ForgetAllOpen() {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    ++shard.open_changes;
    for (Entry& entry : shard.entries) {
      entry.open = nullptr;
      entry.open_known = false;
      Resize(shard, entry);
    }
  }
}

void CustomerCache::Heard(Instant now, bool triggers) {
  using config::v1::CustomerCache;
  told_.store(detection_ == CustomerCache::NOTIFY || (detection_ == CustomerCache::AUTO && triggers),
              std::memory_order_release);
  heard_until_.store((now + kHeardFor).time_since_epoch().count(), std::memory_order_release);
}

void CustomerCache::Unheard() {
  heard_until_.store(0, std::memory_order_release);
}

}  // namespace suggest::server
