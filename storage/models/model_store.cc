#include "storage/models/model_store.h"

#include <algorithm>
#include <cmath>
#include <pqxx/pqxx>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/models/model_rows.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/errors.h"

namespace suggest::storage {
namespace {

#define SUGGEST_MODEL_COLUMNS                                                                            \
  "m.version, m.parent_version, m.basis_id, m.format, m.created_at, m.data_cut, m.origin, m.dimension, " \
  "m.exposures, m.pending_exposures, m.reward_sum, m.noise_variance, m.condition_number, m.sha256"

constexpr Statement kCurrent = {"model_current", "SELECT version FROM suggest.current_model"};

constexpr Statement kReadCurrent = {"model_read_current", "SELECT " SUGGEST_MODEL_COLUMNS
                                                          ", m.bytes FROM suggest.model_versions m "
                                                          "JOIN suggest.current_model c USING (version)"};

constexpr Statement kRead = {
    "model_read", "SELECT " SUGGEST_MODEL_COLUMNS ", m.bytes FROM suggest.model_versions m WHERE m.version = $1"};

constexpr Statement kHead = {"model_head", "SELECT " SUGGEST_MODEL_COLUMNS
                                           ", octet_length(m.bytes), c.version IS NOT NULL "
                                           "FROM suggest.model_versions m "
                                           "LEFT JOIN suggest.current_model c USING (version) WHERE m.version = $1"};

constexpr Statement kList = {"model_list", "SELECT " SUGGEST_MODEL_COLUMNS
                                           ", octet_length(m.bytes), c.version IS NOT NULL "
                                           "FROM suggest.model_versions m "
                                           "LEFT JOIN suggest.current_model c USING (version) "
                                           "ORDER BY m.version DESC LIMIT $1"};

constexpr Statement kInsert = {
    "model_insert",
    "INSERT INTO suggest.model_versions (version, parent_version, basis_id, format, created_at, data_cut, origin, "
    "dimension, exposures, pending_exposures, reward_sum, noise_variance, condition_number, sha256, bytes) VALUES "
    "($1, $2, $3, $4, $5::timestamptz, $6::timestamptz, $7, $8, $9, $10, $11, $12, $13, $14, $15)"};

constexpr Statement kMakeCurrent = {"model_make_current",
                                    "INSERT INTO suggest.current_model (version) VALUES ($1) "
                                    "ON CONFLICT (singleton) DO UPDATE SET version = excluded.version"};

constexpr Statement kNotify = {"model_notify", "SELECT pg_notify('suggest_model', $1)"};

constexpr int kBytesColumn = 14;

ModelRow ToRow(const pqxx::row& row) {
  ModelRow model;
  model.version = row[0].as<int64_t>();
  model.parent_version = row[1].as<int64_t>();
  model.basis_id = row[2].as<int64_t>();
  model.format = row[3].as<int>();
  model.created_at = ToTime(row[4]);
  model.data_cut = ToTime(row[5]);
  model.origin = row[6].as<std::string>();
  model.dimension = row[7].as<int>();
  model.exposures = row[8].as<int64_t>();
  model.pending_exposures = row[9].as<int64_t>();
  model.reward_sum = row[10].as<double>();
  model.noise_variance = row[11].as<double>();
  model.condition_number = row[12].as<double>();
  model.sha256 = ToBytes(row[13]);
  return model;
}

std::optional<ModelRow> ToFullRow(const pqxx::result& rows) {
  if (rows.empty()) return std::nullopt;
  ModelRow model = ToRow(rows[0]);
  model.bytes = ToBytes(rows[0][kBytesColumn]);
  return model;
}

ModelHead ToHead(const pqxx::row& row) {
  return {.row = ToRow(row), .current = row[15].as<bool>(), .size_bytes = row[14].as<int64_t>()};
}

absl::Status NoSuchVersion(int64_t version) {
  return absl::NotFoundError(absl::StrCat("there is no model version ", version));
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t micros = absl::ToUnixMicros(time);
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>((micros - seconds * 1000000) * 1000));
  return timestamp;
}

}  // namespace

std::optional<ModelRow> ReadCurrentModel(pqxx::transaction_base& tx) {
  return ToFullRow(Exec(tx, kReadCurrent));
}

std::optional<ModelRow> ReadModel(pqxx::transaction_base& tx, int64_t version) {
  return ToFullRow(Exec(tx, kRead, version));
}

void InsertModel(pqxx::transaction_base& tx, const ModelRow& row) {
  Exec(tx, kInsert, row.version, row.parent_version, row.basis_id, row.format, ToSql(row.created_at),
       ToSql(row.data_cut), row.origin, row.dimension, row.exposures, row.pending_exposures, row.reward_sum,
       row.noise_variance, row.condition_number, ToBytea(row.sha256), ToBytea(row.bytes));
}

void MakeModelCurrent(pqxx::transaction_base& tx, int64_t version) {
  Exec(tx, kMakeCurrent, version);
  Exec(tx, kNotify, std::string(absl::StrCat(version)));
}

suggest::v1::ModelSummary ToSummary(const ModelHead& head) {
  suggest::v1::ModelSummary summary;
  summary.set_version(head.row.version);
  summary.set_parent_version(head.row.parent_version);
  summary.set_basis_id(head.row.basis_id);
  summary.set_current(head.current);
  *summary.mutable_created_at() = ToTimestamp(head.row.created_at);
  *summary.mutable_data_cut() = ToTimestamp(head.row.data_cut);
  summary.set_dimension(head.row.dimension);
  summary.set_exposures(head.row.exposures);
  summary.set_pending_exposures(head.row.pending_exposures);
  summary.set_reward_sum(head.row.reward_sum);
  summary.set_noise_sd(std::sqrt(head.row.noise_variance));
  summary.set_condition_number(head.row.condition_number);
  summary.set_origin(head.row.origin);
  summary.set_checksum(absl::BytesToHexString(head.row.sha256));
  summary.set_size_bytes(head.size_bytes);
  return summary;
}

absl::StatusOr<int64_t> ModelStore::Current() const {
  int64_t version = 0;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    const pqxx::result rows = Exec(tx, kCurrent);
    if (rows.empty()) return absl::NotFoundError("there is no model version: run suggestctl warm-start first");
    version = rows[0][0].as<int64_t>();
    return absl::OkStatus();
  }));
  return version;
}

absl::StatusOr<ModelRow> ModelStore::Load(int64_t version) const {
  ModelRow model;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    std::optional<ModelRow> row = ReadModel(tx, version);
    if (!row.has_value()) return NoSuchVersion(version);
    model = *std::move(row);
    return absl::OkStatus();
  }));
  return model;
}

absl::StatusOr<ModelHead> ModelStore::Head(int64_t version) const {
  ModelHead head;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    const pqxx::result rows = Exec(tx, kHead, version);
    if (rows.empty()) return NoSuchVersion(version);
    head = ToHead(rows[0]);
    return absl::OkStatus();
  }));
  return head;
}

absl::StatusOr<std::vector<ModelHead>> ModelStore::List(int limit) const {
  std::vector<ModelHead> heads;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kList, limit)) heads.push_back(ToHead(row));
    return absl::OkStatus();
  }));
  return heads;
}

absl::Status ModelStore::Import(const ModelRow& row, bool make_current) {
  const absl::Status status = InTransaction(*db_, [&](pqxx::work& tx) {
    InsertModel(tx, row);
    if (make_current) MakeModelCurrent(tx, row.version);
    return absl::OkStatus();
  });
  if (absl::IsAlreadyExists(status)) {
    return absl::AlreadyExistsError(absl::StrCat("model version ", row.version, " is there already"));
  }
  return status;
}

// The connection, and the receiver that libpqxx calls from await_notification.
struct ModelWatcher::Session {
  class Receiver : public pqxx::notification_receiver {
   public:
    explicit Receiver(pqxx::connection_base& connection) : notification_receiver(connection, "suggest_model") {}
    void operator()(const std::string& payload, int) override {
      int64_t version = 0;
      if (absl::SimpleAtoi(payload, &version)) heard = version;
    }
    std::optional<int64_t> heard;
  };

  explicit Session(std::unique_ptr<pqxx::connection> open) : connection(std::move(open)), receiver(*connection) {}

  std::unique_ptr<pqxx::connection> connection;
  Receiver receiver;
};

ModelWatcher::ModelWatcher(Database* db) : db_(db) {}
ModelWatcher::~ModelWatcher() = default;

bool ModelWatcher::listening() const {
  return session_ != nullptr;
}

absl::StatusOr<std::optional<int64_t>> ModelWatcher::Wait(absl::Duration timeout) {
  if (session_ == nullptr) {
    ASSIGN_OR_RETURN(std::unique_ptr<pqxx::connection> connection, OpenConnection(db_->options()));
    RETURN_IF_ERROR(CatchErrors([&] {
      session_ = std::make_unique<Session>(std::move(connection));
      return absl::OkStatus();
    }));
  }
  session_->receiver.heard.reset();
  const absl::Duration bounded = std::clamp(timeout, absl::ZeroDuration(), absl::Hours(1));
  const long seconds = static_cast<long>(absl::ToInt64Seconds(bounded));
  const long micros = static_cast<long>(absl::ToInt64Microseconds(bounded - absl::Seconds(seconds)));
  const absl::Status status = CatchErrors([&] {
    session_->connection->await_notification(seconds, micros);
    return absl::OkStatus();
  });
  if (!status.ok()) {
    session_.reset();
    return absl::UnavailableError(status.message());
  }
  return session_->receiver.heard;
}

}  // namespace suggest::storage
