#include "storage/ledger/learning_store.h"

#include "bandit/base/status_macros.h"
#include "storage/ledger/learning_internal.h"

namespace suggest::storage {
namespace {

constexpr Statement kLock = {"learning_lock", "SELECT 1 FROM suggest.learner FOR UPDATE NOWAIT"};

constexpr Statement kState = {"learning_state",
                              "SELECT basis_id, currency, reward_cap, first_live_day, unpublished, last_tick "
                              "FROM suggest.learner"};

constexpr Statement kSaveState = {"learning_save_state",
                                  "UPDATE suggest.learner SET basis_id = $1, currency = $2, reward_cap = $3, "
                                  "first_live_day = $4, unpublished = $5, last_tick = $6::timestamptz"};

constexpr Statement kRecordRun = {"learning_record_run",
                                  "INSERT INTO suggest.ingest_runs (tick, model_version, counts, seconds) "
                                  "VALUES ($1::timestamptz, $2, $3::jsonb, $4)"};

constexpr Statement kRecordOutage = {"learning_record_outage",
                                     "INSERT INTO suggest.outages (begins, ends) VALUES ($1::timestamptz, "
                                     "$2::timestamptz) ON CONFLICT (ends) DO UPDATE SET begins = excluded.begins"};

constexpr Statement kOutages = {"learning_outages", "SELECT begins, ends FROM suggest.outages ORDER BY ends"};

}  // namespace

absl::Status LearningStore::WithLock(bool commit, absl::FunctionRef<absl::Status(LearningTransaction&)> body) {
  bool rolled_back = false;
  const absl::Status status = InTransaction(*db_, [&](pqxx::work& work) -> absl::Status {
    LiftStatementTimeout(work);
    if (const absl::Status lock = CatchErrors([&] {
          return Exec(work, kLock).empty() ? absl::DataLossError("suggest.learner has lost its row") : absl::OkStatus();
        });
        !lock.ok()) {
      if (!absl::IsAborted(lock)) return lock;
      return absl::AbortedError("another run holds the learner's lock");
    }
    LearningTransaction::Connection connection(work);
    LearningTransaction transaction(&connection);
    RETURN_IF_ERROR(body(transaction));
    if (commit) return absl::OkStatus();
    rolled_back = true;
    return absl::CancelledError("rolled back as asked");
  });
  return rolled_back ? absl::OkStatus() : status;
}

absl::Status LearningStore::ReadOnly(absl::FunctionRef<absl::Status(LearningTransaction&)> body) {
  return InTransaction(*db_, [&](pqxx::work& work) {
    work.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    LiftStatementTimeout(work);
    LearningTransaction::Connection connection(work);
    LearningTransaction transaction(&connection);
    return body(transaction);
  });
}

absl::StatusOr<LearnerState> LearningTransaction::State() {
  LearnerState state;
  RETURN_IF_ERROR(CatchErrors([&] {
    const pqxx::result rows = Exec(connection_->work(), kState);
    if (rows.empty()) return absl::DataLossError("suggest.learner has lost its row");
    state.basis_id = rows[0][0].as<int64_t>();
    state.currency = rows[0][1].as<std::string>();
    state.reward_cap = rows[0][2].as<double>();
    state.first_live_day = rows[0][3].as<int64_t>();
    state.unpublished = rows[0][4].as<bool>();
    state.last_tick = ToOptionalTime(rows[0][5]).value_or(absl::InfinitePast());
    return absl::OkStatus();
  }));
  return state;
}

absl::Status LearningTransaction::SaveState(const LearnerState& state) {
  return CatchErrors([&] {
    Exec(connection_->work(), kSaveState, state.basis_id, state.currency, state.reward_cap, state.first_live_day,
         state.unpublished, ToSql(state.last_tick));
    return absl::OkStatus();
  });
}

absl::Status LearningTransaction::RecordOutage(const OutageRow& outage) {
  return CatchErrors([&] {
    Exec(connection_->work(), kRecordOutage, ToSql(outage.begins), ToSql(outage.ends));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<OutageRow>> LearningTransaction::Outages() {
  std::vector<OutageRow> outages;
  RETURN_IF_ERROR(CatchErrors([&] {
    for (const pqxx::row& row : Exec(connection_->work(), kOutages)) {
      outages.push_back({ToTime(row[0]), ToTime(row[1])});
    }
    return absl::OkStatus();
  }));
  return outages;
}

absl::Status LearningTransaction::RecordRun(absl::Time tick, int64_t model_version, absl::string_view counts_json,
                                            double seconds) {
  return CatchErrors([&] {
    Exec(connection_->work(), kRecordRun, ToSql(tick), model_version, std::string(counts_json), seconds);
    return absl::OkStatus();
  });
}

}  // namespace suggest::storage
