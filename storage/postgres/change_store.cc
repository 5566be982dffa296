#include "storage/postgres/change_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "storage/postgres/database_internal.h"
#include "storage/postgres/errors.h"

namespace suggest::storage {
namespace {

constexpr char kChannel[] = "suggest_change";
constexpr size_t kMostIds = 1000;
constexpr size_t kMostBytes = 7000;  // PostgreSQL takes 7999

constexpr Statement kUnwatched = {"change_unwatched", R"(
    SELECT 0, suggest.unwatched('source.customers', 'customers')
    UNION SELECT 0, suggest.unwatched('source.purchases', 'customers')
    UNION SELECT 1, suggest.unwatched('source.recommendations', 'recommendations')
    ORDER BY 1, 2)"};

constexpr Statement kAnnounce = {"change_announce", "SELECT pg_notify('suggest_change', $1)"};

// {"a", "b"} as ["a","b"]; the parser of protobuf reads it back.
std::string ToJson(absl::Span<const std::string> ids) {
  google::protobuf::ListValue list;
  for (const std::string& id : ids) list.add_values()->set_string_value(id);
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(list, &json).ok()) return "*";
  return json;
}

// The ids in pieces that each fit a payload, or "*".
std::vector<std::string> Pieces(absl::Span<const std::string> ids) {
  if (ids.empty() || ids.size() > kMostIds) return {"*"};
  std::vector<std::string> pieces;
  size_t begin = 0;
  size_t bytes = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const size_t size = 6 * ids[i].size() + 3;  // an escape takes at most six bytes
    if (i > begin && bytes + size > kMostBytes) {
      pieces.push_back(ToJson(ids.subspan(begin, i - begin)));
      begin = i;
      bytes = 0;
    }
    bytes += size;
  }
  pieces.push_back(ToJson(ids.subspan(begin)));
  return pieces;
}

// What cannot be read is of a newer version, or somebody else's: anything may have changed.
Change ParsePayload(absl::string_view payload) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(payload, absl::MaxSplits(' ', 1));
  Change change;
  absl::string_view kind = parts.first;
  if (absl::ConsumePrefix(&kind, "decisions/")) {
    change.kind = Change::Kind::kDecisions;
    change.origin = std::string(kind);
  } else if (kind == "recommendations") {
    change.kind = Change::Kind::kRecommendations;
  }
  google::protobuf::ListValue list;
  const std::string json(parts.second);
  change.all = json == "*" || !google::protobuf::util::JsonStringToMessage(json, &list).ok();
  for (const google::protobuf::Value& id : list.values()) change.ids.push_back(id.string_value());
  return change;
}

Change Anything(Change::Kind kind) {
  Change change;
  change.kind = kind;
  change.all = true;
  return change;
}

}  // namespace

absl::StatusOr<Coverage> ChangeStore::Triggers() const {
  Coverage coverage{true, true, {}};
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kUnwatched)) {
      (row[0].as<int>() == 0 ? coverage.customers : coverage.recommendations) = false;
      coverage.unwatched.push_back(row[1].as<std::string>());
    }
    return absl::OkStatus();
  }));
  std::sort(coverage.unwatched.begin(), coverage.unwatched.end());
  coverage.unwatched.erase(std::unique(coverage.unwatched.begin(), coverage.unwatched.end()), coverage.unwatched.end());
  return coverage;
}

absl::Status ChangeStore::AnnounceDecisions(const std::string& origin, absl::Span<const std::string> customer_ids) {
  return InTransaction(*db_, [&](pqxx::work& tx) {
    tx.exec("SET LOCAL synchronous_commit = off");
    for (const std::string& piece : Pieces(customer_ids)) {
      Exec(tx, kAnnounce, absl::StrCat("decisions/", origin, " ", piece));
    }
    return absl::OkStatus();
  });
}

struct ChangeWatcher::Session {
  class Receiver : public pqxx::notification_receiver {
   public:
    explicit Receiver(pqxx::connection_base& connection) : notification_receiver(connection, kChannel) {}
    void operator()(const std::string& payload, int) override { heard.push_back(ParsePayload(payload)); }
    std::vector<Change> heard;
  };

  explicit Session(std::unique_ptr<pqxx::connection> open) : connection(std::move(open)), receiver(*connection) {
    using Kind = Change::Kind;
    for (const Kind kind : {Kind::kCustomers, Kind::kRecommendations, Kind::kDecisions}) {
      receiver.heard.push_back(Anything(kind));
    }
  }

  std::unique_ptr<pqxx::connection> connection;
  Receiver receiver;
};

ChangeWatcher::ChangeWatcher(Database* db) : db_(db) {}
ChangeWatcher::~ChangeWatcher() = default;

absl::Status ChangeWatcher::Open() {
  ASSIGN_OR_RETURN(std::unique_ptr<pqxx::connection> connection, OpenConnection(db_->options()));
  return CatchErrors([&] {
    session_ = std::make_unique<Session>(std::move(connection));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<Change>> ChangeWatcher::Wait(absl::Duration timeout) {
  absl::Status status = session_ == nullptr ? Open() : absl::OkStatus();
  if (status.ok()) {
    const absl::Duration bounded = std::clamp(timeout, absl::ZeroDuration(), absl::Hours(1));
    const long seconds = static_cast<long>(absl::ToInt64Seconds(bounded));
    const long micros = static_cast<long>(absl::ToInt64Microseconds(bounded - absl::Seconds(seconds)));
    status = CatchErrors([&] {
      if (session_->receiver.heard.empty()) session_->connection->await_notification(seconds, micros);
      pqxx::nontransaction(*session_->connection).exec("SELECT 1");
      session_->connection->get_notifs();
      return absl::OkStatus();
    });
  }
  if (!status.ok()) {
    session_.reset();
    return absl::UnavailableError(status.message());
  }
  return std::exchange(session_->receiver.heard, {});
}

}  // namespace suggest::storage
