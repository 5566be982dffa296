#include "storage/source/history_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/diagnostics.h"
#include "storage/postgres/errors.h"
#include "storage/source/source_rows.h"

namespace suggest::storage {

struct HistorySource::Session {
  explicit Session(std::unique_ptr<pqxx::connection> opened) : connection(std::move(opened)), tx(*connection) {
    LiftStatementTimeout(tx);
  }

  const std::unique_ptr<pqxx::connection> connection;
  pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx;
};

namespace {

constexpr int kRowsPerFetch = 1000;

template <typename Record>
absl::StatusOr<Record> Convert(const pqxx::row& row, absl::StatusOr<Record> (*convert)(const pqxx::row&)) {
  Record record;
  RETURN_IF_ERROR(CatchErrors([&]() -> absl::Status {
    ASSIGN_OR_RETURN(record, convert(row));
    return absl::OkStatus();
  }));
  return record;
}

template <typename Record>
absl::Status Stream(pqxx::transaction_base& tx, const Statement& select,
                    absl::StatusOr<Record> (*convert)(const pqxx::row&), absl::FunctionRef<absl::Status(Record)> visit,
                    const HistorySource::Refuse& refuse) {
  const std::string cursor = absl::StrCat(select.name, "_cursor");
  return CatchErrors([&]() -> absl::Status {
    tx.exec(absl::StrCat("DECLARE ", cursor, " NO SCROLL CURSOR FOR ", select.sql));
    absl::Status status;
    while (status.ok()) {
      const pqxx::result rows = tx.exec(absl::StrCat("FETCH ", kRowsPerFetch, " FROM ", cursor));
      if (rows.empty()) break;
      for (auto row = rows.begin(); row != rows.end() && status.ok(); ++row) {
        absl::StatusOr<Record> record = Convert(*row, convert);
        if (!record.ok() && refuse) {
          refuse(record.status());
          continue;
        }
        status = record.ok() ? visit(*std::move(record)) : record.status();
      }
    }
    tx.exec(absl::StrCat("CLOSE ", cursor));
    return status;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<HistorySource>> HistorySource::Open(Database& db) {
  RETURN_IF_ERROR(CheckSourceViews(db));
  ASSIGN_OR_RETURN(std::unique_ptr<pqxx::connection> connection, OpenConnection(db.options()));
  std::unique_ptr<HistorySource> source;
  RETURN_IF_ERROR(CatchErrors([&] {
    source.reset(new HistorySource(std::make_unique<Session>(std::move(connection))));
    return absl::OkStatus();
  }));
  return source;
}

HistorySource::HistorySource(std::unique_ptr<Session> session) : session_(std::move(session)) {}

HistorySource::~HistorySource() = default;

absl::StatusOr<HistoryCounts> HistorySource::Counts() {
  HistoryCounts counts;
  RETURN_IF_ERROR(CatchErrors([&] {
    const pqxx::row row = session_->tx.exec1(
        "SELECT (SELECT count(*) FROM source.customers), (SELECT count(*) FROM source.recommendations), "
        "(SELECT count(*) FROM source.suggestions), (SELECT count(*) FROM source.purchases)");
    counts = {row[0].as<int64_t>(), row[1].as<int64_t>(), row[2].as<int64_t>(), row[3].as<int64_t>()};
    return absl::OkStatus();
  }));
  return counts;
}

absl::Status HistorySource::ForEachCustomer(absl::FunctionRef<absl::Status(CustomerRecord)> visit,
                                            const Refuse& refuse) {
  return Stream<CustomerRecord>(session_->tx, kSelectCustomers, ToCustomer, visit, refuse);
}

absl::Status HistorySource::ForEachRecommendation(absl::FunctionRef<absl::Status(RecommendationRecord)> visit,
                                                  const Refuse& refuse) {
  return Stream<RecommendationRecord>(session_->tx, kSelectRecommendations, ToRecommendation, visit, refuse);
}

absl::Status HistorySource::ForEachSuggestion(absl::FunctionRef<absl::Status(HistoricalSuggestion)> visit,
                                              const Refuse& refuse) {
  return Stream<HistoricalSuggestion>(session_->tx, kSelectSuggestions, ToHistoricalSuggestion, visit, refuse);
}

absl::Status HistorySource::ForEachPurchase(absl::FunctionRef<absl::Status(PurchaseRecord)> visit,
                                            const Refuse& refuse) {
  return Stream<PurchaseRecord>(session_->tx, kSelectPurchases, ToPurchase, visit, refuse);
}

}  // namespace suggest::storage
