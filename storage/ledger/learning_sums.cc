// LearningTransaction's part for day buckets, histories and model versions.
#include "bandit/base/status_macros.h"
#include "storage/ledger/learning_internal.h"
#include "storage/models/model_rows.h"

namespace suggest::storage {
namespace {

constexpr Statement kBuckets = {"learning_buckets",
                                "SELECT day, weight, exposures, reward_sum, reward_square_sum, sums "
                                "FROM suggest.buckets WHERE basis_id = $1 AND day = ANY ($2::integer[]) ORDER BY day"};
constexpr Statement kBucketDays = {"learning_bucket_days",
                                   "SELECT day FROM suggest.buckets WHERE basis_id = $1 ORDER BY day"};
constexpr Statement kSaveBucket = {
    "learning_save_bucket",
    "INSERT INTO suggest.buckets (basis_id, day, weight, exposures, reward_sum, reward_square_sum, sums) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (basis_id, day) DO UPDATE SET weight = excluded.weight, "
    "exposures = excluded.exposures, reward_sum = excluded.reward_sum, "
    "reward_square_sum = excluded.reward_square_sum, sums = excluded.sums"};
constexpr Statement kDropBuckets = {"learning_drop_buckets",
                                    "DELETE FROM suggest.buckets WHERE basis_id = $1 AND day < $2"};

// What exposures and purchases say about the days in `k`: a refused or future purchase does not count; a cancelled one
// did happen, so it moves last_purchased_at, but is no purchase any more.
constexpr Statement kRefreshCustomers = {
    "learning_refresh_customers",
    "INSERT INTO suggest.history_days AS h (customer_id, recommendation_id, day, exposures, conversions, purchases, "
    "last_exposed_at, last_purchased_at) "
    "SELECT k.c, k.r, k.d, e.exposures, e.conversions, p.purchases, e.last_at, p.last_at "
    "FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::integer[])) AS k(c, r, d) "
    "CROSS JOIN LATERAL (SELECT count(*) AS exposures, count(*) FILTER (WHERE x.reward > 0) AS conversions, "
    "  max(x.exposed_at) AS last_at FROM suggest.exposures x WHERE x.customer_id = k.c AND x.recommendation_id = k.r "
    "  AND x.day = k.d AND x.continues IS NULL AND NOT x.discarded) e "
    "CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE y.cancelled_at IS NULL) AS purchases, "
    "  max(y.purchased_at) AS last_at FROM suggest.purchase_state y WHERE y.customer_id = k.c "
    "  AND y.recommendation_id = k.r AND y.status NOT IN (5, 6) AND y.purchased_at >= to_timestamp(k.d * 86400.0) "
    "  AND y.purchased_at < to_timestamp((k.d + 1) * 86400.0)) p "
    "ON CONFLICT (customer_id, recommendation_id, day) DO UPDATE SET exposures = excluded.exposures, "
    "conversions = excluded.conversions, purchases = excluded.purchases, last_exposed_at = excluded.last_exposed_at, "
    "last_purchased_at = excluded.last_purchased_at"};

constexpr Statement kRefreshRecommendations = {
    "learning_refresh_recommendations",
    "INSERT INTO suggest.recommendation_days (recommendation_id, day, exposures, conversions, purchases, "
    "last_exposed_at, last_purchased_at) "
    "SELECT k.r, k.d, sum(h.exposures), sum(h.conversions), sum(h.purchases), max(h.last_exposed_at), "
    "  max(h.last_purchased_at) "
    "FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::integer[])) AS k(r, d) "
    "JOIN suggest.history_days h ON h.recommendation_id = k.r AND h.day = k.d GROUP BY k.r, k.d "
    "ON CONFLICT (recommendation_id, day) DO UPDATE SET exposures = excluded.exposures, "
    "conversions = excluded.conversions, purchases = excluded.purchases, last_exposed_at = excluded.last_exposed_at, "
    "last_purchased_at = excluded.last_purchased_at"};

constexpr Statement kRecommendationDays = {
    "learning_recommendation_days",
    "SELECT recommendation_id, day, exposures, conversions, purchases, last_exposed_at, last_purchased_at "
    "FROM suggest.recommendation_days ORDER BY recommendation_id COLLATE \"C\", day"};

constexpr Statement kWrongDays = {
    "learning_wrong_days",
    "WITH events AS ("
    "  SELECT customer_id, recommendation_id, day, 1 AS exposures, (reward > 0)::integer AS conversions, 0 AS "
    "purchases "
    "  FROM suggest.exposures WHERE continues IS NULL AND NOT discarded "
    "  UNION ALL SELECT customer_id, recommendation_id, floor(extract(epoch FROM purchased_at) / 86400)::integer, "
    "  0, 0, (cancelled_at IS NULL)::integer FROM suggest.purchase_state WHERE status NOT IN (5, 6)), "
    "days AS (SELECT customer_id, recommendation_id, day, sum(exposures) AS exposures, "
    "  sum(conversions) AS conversions, sum(purchases) AS purchases FROM events "
    "  GROUP BY customer_id, recommendation_id, day), "
    "recommendations AS (SELECT recommendation_id, day, sum(exposures) AS exposures, "
    "  sum(conversions) AS conversions, sum(purchases) AS purchases FROM days GROUP BY recommendation_id, day) "
    "SELECT (SELECT count(*) FROM days d FULL JOIN suggest.history_days h USING (customer_id, recommendation_id, day) "
    "  WHERE (coalesce(d.exposures, 0), coalesce(d.conversions, 0), coalesce(d.purchases, 0)) <> "
    "        (coalesce(h.exposures, 0), coalesce(h.conversions, 0), coalesce(h.purchases, 0))) + "
    "(SELECT count(*) FROM recommendations d FULL JOIN suggest.recommendation_days h USING (recommendation_id, day) "
    "  WHERE (coalesce(d.exposures, 0), coalesce(d.conversions, 0), coalesce(d.purchases, 0)) <> "
    "        (coalesce(h.exposures, 0), coalesce(h.conversions, 0), coalesce(h.purchases, 0)))"};

constexpr Statement kHighest = {"learning_highest",
                                "SELECT coalesce(max(version), 0), coalesce(max(basis_id), 0) "
                                "FROM suggest.model_versions"};

BucketRow ToBucket(const pqxx::row& row) {
  BucketRow bucket;
  bucket.day = row[0].as<int64_t>();
  bucket.weight = row[1].as<double>();
  bucket.count = row[2].as<double>();
  bucket.reward_sum = row[3].as<double>();
  bucket.reward_square_sum = row[4].as<double>();
  const std::vector<double> sums = OrCorrupt(UnpackNumbers(ToBytes(row[5])), absl::StrCat("bucket ", bucket.day));
  size_t dim = 0;  // sums are dim (dim + 1) / 2 + dim numbers
  while (dim * (dim + 3) / 2 < sums.size()) ++dim;
  if (dim * (dim + 3) / 2 != sums.size()) {
    throw CorruptValue(absl::StrCat("bucket ", bucket.day, " has ", sums.size(), " numbers"));
  }
  bucket.lower.assign(sums.begin(), sums.end() - dim);
  bucket.moment.assign(sums.end() - dim, sums.end());
  return bucket;
}

absl::StatusOr<int64_t> Count(absl::FunctionRef<int64_t()> query) {
  int64_t count = 0;
  RETURN_IF_ERROR(CatchErrors([&] {
    count = query();
    return absl::OkStatus();
  }));
  return count;
}

}  // namespace

absl::StatusOr<std::vector<BucketRow>> LearningTransaction::Buckets(int64_t basis_id, absl::Span<const int64_t> days) {
  std::vector<BucketRow> buckets;
  const std::vector<int64_t> wanted(days.begin(), days.end());
  RETURN_IF_ERROR(CatchErrors([&] {
    for (const pqxx::row& row :
         Exec(connection_->work(), kBuckets, basis_id, ColumnOf(wanted, [](int64_t day) { return day; }))) {
      buckets.push_back(ToBucket(row));
    }
    return absl::OkStatus();
  }));
  return buckets;
}

absl::StatusOr<std::vector<int64_t>> LearningTransaction::BucketDays(int64_t basis_id) {
  std::vector<int64_t> days;
  RETURN_IF_ERROR(CatchErrors([&] {
    for (const pqxx::row& row : Exec(connection_->work(), kBucketDays, basis_id)) days.push_back(row[0].as<int64_t>());
    return absl::OkStatus();
  }));
  return days;
}

absl::Status LearningTransaction::SaveBucket(int64_t basis_id, const BucketRow& bucket) {
  return CatchErrors([&] {
    Exec(connection_->work(), kSaveBucket, basis_id, bucket.day, bucket.weight, bucket.count, bucket.reward_sum,
         bucket.reward_square_sum, ToBytea(PackNumbers(bucket.lower) + PackNumbers(bucket.moment)));
    return absl::OkStatus();
  });
}

absl::Status LearningTransaction::DropBuckets(int64_t basis_id, int64_t before_day) {
  return CatchErrors([&] {
    Exec(connection_->work(), kDropBuckets, basis_id, before_day);
    return absl::OkStatus();
  });
}

absl::Status LearningTransaction::RefreshHistory(const std::vector<HistoryKey>& keys) {
  return CatchErrors([&] {
    const std::string recommendations = ColumnOf(keys, [](const HistoryKey& key) { return key.recommendation_id; });
    const std::string days = ColumnOf(keys, [](const HistoryKey& key) { return key.day; });
    ExecByKey(connection_->work(), kRefreshCustomers,
              ColumnOf(keys, [](const HistoryKey& key) { return key.customer_id; }), recommendations, days);
    ExecByKey(connection_->work(), kRefreshRecommendations, recommendations, days);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<HistoryDay>> LearningTransaction::RecommendationDays() {
  std::vector<HistoryDay> days;
  RETURN_IF_ERROR(CatchErrors([&] {
    for (const pqxx::row& row : Exec(connection_->work(), kRecommendationDays)) {
      days.push_back({.recommendation_id = row[0].as<std::string>(),
                      .day = row[1].as<int64_t>(),
                      .exposures = row[2].as<int64_t>(),
                      .conversions = row[3].as<int64_t>(),
                      .purchases = row[4].as<int64_t>(),
                      .last_exposed_at = ToOptionalTime(row[5]).value_or(absl::InfinitePast()),
                      .last_purchased_at = ToOptionalTime(row[6]).value_or(absl::InfinitePast())});
    }
    return absl::OkStatus();
  }));
  return days;
}

absl::StatusOr<int64_t> LearningTransaction::CountWrongHistoryDays() {
  return Count([&] { return Exec(connection_->work(), kWrongDays)[0][0].as<int64_t>(); });
}

absl::StatusOr<std::pair<int64_t, int64_t>> LearningTransaction::HighestVersionAndBasis() {
  std::pair<int64_t, int64_t> highest;
  RETURN_IF_ERROR(CatchErrors([&] {
    const pqxx::result rows = Exec(connection_->work(), kHighest);
    highest = {rows[0][0].as<int64_t>(), rows[0][1].as<int64_t>()};
    return absl::OkStatus();
  }));
  return highest;
}

absl::StatusOr<std::optional<ModelRow>> LearningTransaction::CurrentModel() {
  std::optional<ModelRow> row;
  RETURN_IF_ERROR(CatchErrors([&] {
    row = ReadCurrentModel(connection_->work());
    return absl::OkStatus();
  }));
  return row;
}

absl::Status LearningTransaction::Publish(const ModelRow& row) {
  return CatchErrors([&] {
    InsertModel(connection_->work(), row);
    MakeModelCurrent(connection_->work(), row.version);
    return absl::OkStatus();
  });
}

absl::Status LearningTransaction::ClearLedger() {
  return CatchErrors([&] {
    // Not TRUNCATE: its lock would keep every Suggest from the histories until the warm start commits.
    for (const char* table : {"exposures", "purchase_state", "reward_ledger", "buckets", "outages", "history_days",
                              "recommendation_days"}) {
      connection_->work().exec(absl::StrCat("DELETE FROM suggest.", table));
    }
    return absl::OkStatus();
  });
}

}  // namespace suggest::storage
