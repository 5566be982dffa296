// DecisionStore::AppendBatch.
//
// One statement for all: one round trip, one commit. Nearly all request ids are new, so the first try takes them for
// new; the unique index says if one is not, and nothing of that try is stored. Then, and for some batches to come,
// since who retries does so more than once, another statement claims the request ids and writes the rows of those that
// were free. It looks each id up first and writes it in two steps, which costs the server more.
//
// Columns go in binary arrays. An array of composites costs the server more (its reader makes and breaks a tuple per
// row), and so does a statement per row from some eight rows on. unnest in a select list hands on row by row what it
// takes out of the arrays; as a table it would keep all rows first, and a common table expression once more.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "storage/log/checksum.h"
#include "storage/log/decision_id.h"
#include "storage/log/decision_rows.h"
#include "storage/log/decision_store.h"
#include "storage/postgres/binary_array.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

using Batch = absl::Span<const DecisionRecord* const>;

// The claim of an id waits for another transaction that claims it; each caller gives the rows in the order of the key,
// so that two batches never wait for each other.
#define SUGGEST_CLAIM "INSERT INTO suggest.request_ids (customer_id, request_id, decision_id) "
#define SUGGEST_STORE "INSERT INTO suggest.decisions (" SUGGEST_DECISION_COLUMNS ") "

constexpr Statement kAppendNew = {
    "decision_append_new",
    "WITH claimed AS (" SUGGEST_CLAIM "SELECT unnest($2::text[]), unnest($3::text[]), unnest($1::uuid[])) "  //
    SUGGEST_STORE
    "SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::timestamptz[]), "
    "  unnest($5::smallint[]), unnest($6::bigint[]), unnest($7::bytea[]), unnest($8::bigint[]), unnest($9::boolean[]), "
    "  unnest($10::text[]), unnest($11::smallint[]), unnest($12::text[])::text[], unnest($13::bytea[]), "
    "  unnest($14::boolean[]), unnest($15::bigint[])"};

constexpr Statement kAppendFree = {
    "decision_append_free",
    "WITH batch AS ("
    "  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::smallint[], $6::bigint[], "
    "    $7::bytea[], $8::bigint[], $9::boolean[], $10::text[], $11::smallint[], $12::text[], $13::bytea[], "
    "    $14::boolean[], $15::bigint[]) AS u(" SUGGEST_DECISION_COLUMNS
    ")), "
    "claimed AS (" SUGGEST_CLAIM
    "  SELECT customer_id, request_id, decision_id FROM batch "
    "  ON CONFLICT (customer_id, request_id) DO NOTHING RETURNING decision_id), "
    "stored AS (" SUGGEST_STORE
    "  SELECT decision_id, customer_id, request_id, decided_at, policy, model_version, catalogue_version, seed, "
    "    explore, fallback_reason, propensity_status, recommendation_ids::text[], inputs, delivered, checksum FROM "
    "batch "
    "  WHERE decision_id IN (SELECT decision_id FROM claimed)) "
    "SELECT decision_id FROM claimed"};

// Adds the 15 columns of every record, in the statements' order.
pqxx::result InsertBatch(pqxx::transaction_base& tx, const Statement& statement, Batch batch) {
  using Type = BinaryArray::Type;
  BinaryArray ids(Type::kUuid), customers(Type::kText), requests(Type::kText), times(Type::kTimestamptz),
      policies(Type::kSmallint), models(Type::kBigint), catalogues(Type::kBytea), seeds(Type::kBigint),
      explores(Type::kBool), reasons(Type::kText), statuses(Type::kSmallint), slates(Type::kText), inputs(Type::kBytea),
      delivered(Type::kBool), checksums(Type::kBigint);
  for (const DecisionRecord* d : batch) {
    ids.AddUuid(d->decision_id);
    customers.AddBytes(d->customer_id);
    requests.AddBytes(d->request_id);
    times.AddTime(d->decided_at);
    policies.AddSmallint(d->policy);
    models.AddBigint(d->model_version);
    catalogues.AddBytes(d->catalogue_version);
    seeds.AddBigint(static_cast<int64_t>(d->seed));
    explores.AddBool(d->explore);
    reasons.AddBytes(d->fallback_reason);
    statuses.AddSmallint(d->propensity_status);
    slates.AddBytes(ToTextArray(d->recommendation_ids));
    const std::string logged = d->inputs.SerializeAsString();
    inputs.AddBytes(logged);
    delivered.AddBool(d->delivered);
    checksums.AddBigint(ChecksumOf(*d, logged));
  }
  return Exec(tx, statement, ids.Parameter(), customers.Parameter(), requests.Parameter(), times.Parameter(),
              policies.Parameter(), models.Parameter(), catalogues.Parameter(), seeds.Parameter(), explores.Parameter(),
              reasons.Parameter(), statuses.Parameter(), slates.Parameter(), inputs.Parameter(), delivered.Parameter(),
              checksums.Parameter());
}

// Commits the batch, all of it. Errors: ALREADY_EXISTS when a request id is taken.
absl::Status AppendNew(Database& db, Batch batch) {
  return Autocommit(db, [&](pqxx::nontransaction& tx) -> absl::Status {
    InsertBatch(tx, kAppendNew, batch);
    return absl::OkStatus();
  });
}

// Commits the batch, and looks up what answers those whose request id was taken.
absl::Status AppendAll(Database& db, Batch batch, std::vector<Appended>& results) {
  return Autocommit(db, [&](pqxx::nontransaction& tx) -> absl::Status {
    absl::flat_hash_set<std::string> claimed;
    for (const pqxx::row& row : InsertBatch(tx, kAppendFree, batch)) claimed.insert(row[0].as<std::string>());
    for (size_t i = 0; i < batch.size(); ++i) {
      results[i] = Appended();
      if (claimed.contains(batch[i]->decision_id)) continue;
      auto earlier = SelectDecisionByRequest(tx, batch[i]->customer_id, batch[i]->request_id);
      if (!earlier.ok()) {
        results[i].status = earlier.status();
      } else if (!earlier->has_value()) {
        results[i].status = absl::AbortedError("database: the earlier decision was erased meanwhile");
      } else if ((*earlier)->decision_id != batch[i]->decision_id) {
        results[i].earlier = **std::move(earlier);
      }
    }
    return absl::OkStatus();
  });
}

// Whether the failure may be one record's: anything but a database that is away or too slow. Also a transient one: a
// lock that another session holds on one request id, or a state that one record meets again and again.
bool MayBeOneRecords(const absl::Status& status) {
  return status.code() != absl::StatusCode::kUnavailable && status.code() != absl::StatusCode::kUnknown &&
         status.code() != absl::StatusCode::kDeadlineExceeded;
}

// The failure of all records when each met a want of means (a full disk): then it is the database's. Else OK.
absl::Status ExhaustedForAll(absl::Span<const Appended> results) {
  for (const Appended& one : results) {
    if (one.status.code() != absl::StatusCode::kResourceExhausted) return absl::OkStatus();
  }
  return results.empty() ? absl::OkStatus() : results[0].status;
}

// Appends the batch; where PostgreSQL refuses it, each half for itself, down to the record that is refused.
absl::Status AppendOrBisect(Database& db, Batch batch, absl::Span<Appended> results) {
  std::vector<Appended> own(batch.size());
  const absl::Status status = AppendAll(db, batch, own);
  if (status.ok()) {
    std::move(own.begin(), own.end(), results.begin());
    return status;
  }
  if (!MayBeOneRecords(status)) return status;
  if (batch.size() == 1) {
    results[0].status = status;
    return absl::OkStatus();
  }
  const size_t half = batch.size() / 2;
  RETURN_IF_ERROR(AppendOrBisect(db, batch.subspan(0, half), results.subspan(0, half)));
  return AppendOrBisect(db, batch.subspan(half), results.subspan(half));
}

}  // namespace

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<std::vector<Appended>> DecisionStore::AppendBatch(Batch batch) {
  std::vector<size_t> order(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int by_customer = batch[a]->customer_id.compare(batch[b]->customer_id);
    return by_customer != 0 ? by_customer < 0 : batch[a]->request_id < batch[b]->request_id;
  });
  std::vector<Appended> results(batch.size());
  std::vector<const DecisionRecord*> sorted;
  std::vector<size_t> place;
  for (const size_t i : order) {
    const absl::StatusOr<absl::Time> id_time = DecisionTime(batch[i]->decision_id);
    if (!id_time.ok()) {
      results[i].status = id_time.status();
      continue;
    }
    SUGGEST_CHECK(*id_time == batch[i]->decided_at);
    sorted.push_back(batch[i]);
    place.push_back(i);
  }
  if (sorted.empty()) return results;
  const int careful = careful_.load();
  if (careful == 0) {
    const absl::Status status = AppendNew(*db_, sorted);
    if (status.ok()) return results;
    if (!MayBeOneRecords(status)) return status;
  }
  careful_.store(careful == 0 ? kCarefulBatches : careful - 1);
  std::vector<Appended> in_order(sorted.size());
  RETURN_IF_ERROR(AppendOrBisect(*db_, sorted, absl::MakeSpan(in_order)));
  RETURN_IF_ERROR(ExhaustedForAll(in_order));
  for (size_t k = 0; k < sorted.size(); ++k) results[place[k]] = std::move(in_order[k]);
  return results;
}

}  // namespace suggest::storage
