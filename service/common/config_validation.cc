// ValidateConfig: each check adds one line to the list of problems, so that an operator sees all of them at once.
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "features/schema.h"
#include "google/protobuf/descriptor.h"
#include "service/common/config.h"
#include "service/common/connection_string.h"
#include "suggest/v1/learning_service.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest {
namespace {

class Problems {
 public:
  // `expected` completes the sentence "<field> is <value>, expected ...".
  template <typename Value>
  void Unless(bool good, absl::string_view field, const Value& value, absl::string_view expected) {
    if (!good) list_.push_back(absl::StrCat(field, " is ", value, ", expected ", expected));
  }
  void Unless(bool good, absl::string_view field, absl::Duration value, absl::string_view expected) {
    Unless(good, field, absl::FormatDuration(value), expected);
  }
  void Add(absl::string_view problem) { list_.emplace_back(problem); }

  absl::Status status() const {
    return list_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(list_, "; "));
  }

 private:
  std::vector<std::string> list_;
};

bool IsAddress(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  return colon != absl::string_view::npos && colon > 0 && absl::SimpleAtoi(address.substr(colon + 1), &port) &&
         port >= 0 && port <= 65535;
}

bool IsCurrency(absl::string_view code) {
  if (code.size() != 3) return false;
  for (const char c : code) {
    if (!absl::ascii_isupper(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

bool IsMethod(absl::string_view name) {
  for (const google::protobuf::FileDescriptor* file :
       {v1::SuggestRequest::descriptor()->file(), v1::IngestRewardsRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      if (file->service(i)->FindMethodByName(std::string(name)) != nullptr) return true;
    }
  }
  return false;
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", text, "'");
}

bool Positive(double value) {
  return std::isfinite(value) && value > 0;
}

bool Within(double value, double low, double high) {
  return value >= low && value <= high;
}

void CheckMethodLimits(const config::v1::Server& server, Problems& problems) {
  for (const auto& [method, limit] : server.method_limits()) {
    const std::string field = absl::StrCat("server.method_limits[", Quoted(method), "]");
    if (!IsMethod(method)) problems.Add(absl::StrCat(field, " names no method of suggest.v1"));
    problems.Unless(Within(limit, 1, 10'000), field, limit, "1 to 10000");
  }
}

void CheckServer(const config::v1::Server& server, Problems& problems) {
  for (const auto& [field, address] : {std::pair("server.grpc_address", server.grpc_address()),
                                       std::pair("server.http_address", server.http_address())}) {
    problems.Unless(IsAddress(address), field, Quoted(address), "host:port with a port from 0 to 65535");
  }
  problems.Unless(server.ops_address().empty() || IsAddress(server.ops_address()), "server.ops_address",
                  Quoted(server.ops_address()), "empty, or host:port with a port from 0 to 65535");
  for (const std::string& host : server.http_hosts()) {
    problems.Unless(!host.empty() && host.find_first_of("/:@ ") == std::string::npos, "server.http_hosts", Quoted(host),
                    "a host's name without scheme, port or path");
  }
  const absl::Duration drain = ToAbslDuration(server.drain_timeout());
  problems.Unless(drain >= absl::ZeroDuration() && drain <= absl::Hours(1), "server.drain_timeout", drain,
                  "0 to 1 hour");
  problems.Unless(Within(server.max_concurrent_requests(), 1, 10'000), "server.max_concurrent_requests",
                  server.max_concurrent_requests(), "1 to 10000");
  problems.Unless(Within(server.max_request_bytes(), 1024, 256 << 20), "server.max_request_bytes",
                  server.max_request_bytes(), "1024 to 268435456");
  problems.Unless(Within(server.batch_in_flight(), 1, 1000), "server.batch_in_flight", server.batch_in_flight(),
                  "1 to 1000");
  problems.Unless(Within(server.max_response_bytes(), 65536, 256 << 20), "server.max_response_bytes",
                  server.max_response_bytes(), "65536 to 268435456");
  problems.Unless(server.max_transport_bytes() >= (1 << 20), "server.max_transport_bytes", server.max_transport_bytes(),
                  "at least 1048576");
  for (const auto& [field, time] :
       {std::pair("server.keepalive_time", ToAbslDuration(server.keepalive_time())),
        std::pair("server.keepalive_timeout", ToAbslDuration(server.keepalive_timeout()))}) {
    problems.Unless(time >= absl::Seconds(1) && time <= absl::Hours(24), field, time, "1 s to 24 hours");
  }
  CheckMethodLimits(server, problems);
}

void CheckCommit(const config::v1::Commit& commit, Problems& problems) {
  problems.Unless(config::v1::Commit::Durability_IsValid(commit.durability()), "database.commit.durability",
                  commit.durability(), "SYNC or ASYNC");
  problems.Unless(Within(commit.writers(), 1, 16), "database.commit.writers", commit.writers(), "1 to 16");
  problems.Unless(Within(commit.max_batch(), 1, 1000), "database.commit.max_batch", commit.max_batch(), "1 to 1000");
  const absl::Duration linger = ToAbslDuration(commit.linger());
  problems.Unless(linger >= absl::ZeroDuration() && linger <= absl::Seconds(1), "database.commit.linger", linger,
                  "0 to 1 s");
  problems.Unless(Within(commit.queue_length(), 1, 1'000'000), "database.commit.queue_length", commit.queue_length(),
                  "1 to 1000000");
}

void CheckCache(const config::v1::CustomerCache& cache, Problems& problems) {
  problems.Unless(cache.max_entries() >= 0, "database.customer_cache.max_entries", cache.max_entries(), "0 or more");
  problems.Unless(cache.max_bytes() >= (1 << 20), "database.customer_cache.max_bytes", cache.max_bytes(),
                  "at least 1048576");
  problems.Unless(config::v1::CustomerCache::ChangeDetection_IsValid(cache.change_detection()),
                  "database.customer_cache.change_detection", cache.change_detection(), "AUTO, NOTIFY or AGE");
  const absl::Duration age = ToAbslDuration(cache.max_age());
  problems.Unless(age > absl::ZeroDuration() && age <= absl::Seconds(1), "database.customer_cache.max_age", age,
                  "more than 0, at most 1 s");
}

void CheckDatabase(const config::v1::Database& database, Problems& problems) {
  if (database.connection().empty()) problems.Add("database.connection is missing");
  if (HoldsPassword(database.connection())) {
    problems.Add("database.connection holds a password, expected it in PGPASSWORD or a PostgreSQL passfile");
  }
  problems.Unless(Within(database.pool_size(), 2, 1000), "database.pool_size", database.pool_size(), "2 to 1000");
  const absl::Duration timeout = ToAbslDuration(database.statement_timeout());
  problems.Unless(timeout > absl::ZeroDuration(), "database.statement_timeout", timeout, "more than 0");
  for (const auto& [field, poll] : {std::pair("database.model_poll", ToAbslDuration(database.model_poll())),
                                    std::pair("database.catalogue_poll", ToAbslDuration(database.catalogue_poll()))}) {
    problems.Unless(poll >= absl::Milliseconds(10) && poll <= absl::Seconds(1), field, poll, "10 ms to 1 s");
  }
  const int64_t spool_bytes = database.spool_max_bytes();
  problems.Unless(spool_bytes >= int64_t{1} << 20 && spool_bytes <= int64_t{1} << 40, "database.spool_max_bytes",
                  spool_bytes, "1048576 to 1099511627776");
  const absl::string_view spool = database.spool();
  const bool is_path = spool.empty() || (spool[0] != ':' && !absl::StartsWithIgnoreCase(spool, "file:"));
  problems.Unless(is_path, "database.spool", Quoted(spool), "the path of a file on a local disk");
  CheckCommit(database.commit(), problems);
  CheckCache(database.customer_cache(), problems);
  const absl::Duration hold = ToAbslDuration(database.hold_for());
  problems.Unless(hold >= absl::ZeroDuration() && hold <= absl::Minutes(1), "database.hold_for", hold, "0 to 60 s");
  problems.Unless(Within(database.max_held_requests(), 1, 10'000), "database.max_held_requests",
                  database.max_held_requests(), "1 to 10000");
}

void CheckWindows(const config::v1::Learning& learning, Problems& problems) {
  constexpr absl::Duration kDay = absl::Hours(24);
  const absl::Duration window = ToAbslDuration(learning.attribution_window());
  const absl::Duration grace = ToAbslDuration(learning.grace());
  const absl::Duration memory = ToAbslDuration(learning.learning_window());
  const absl::Duration lag = ToAbslDuration(learning.visibility_lag());
  problems.Unless(window > absl::ZeroDuration(), "learning.attribution_window", window, "more than 0");
  problems.Unless(grace >= absl::ZeroDuration(), "learning.grace", grace, "0 or more");
  problems.Unless(lag >= absl::ZeroDuration() && lag <= grace, "learning.visibility_lag", lag,
                  "0 to learning.grace, or late purchases would come after maturity");
  problems.Unless(memory >= absl::ZeroDuration() && memory % kDay == absl::ZeroDuration(), "learning.learning_window",
                  memory, "whole days, or 0 for unbounded");
  if (memory > absl::ZeroDuration() && memory < 2 * (window + grace)) {
    problems.Unless(
        false, "learning.learning_window", memory,
        absl::StrCat("0 or at least 2 (attribution_window + grace) = ", absl::FormatDuration(2 * (window + grace))));
  }
  const absl::Duration delay = ToAbslDuration(learning.prior_mean_delay());
  problems.Unless(delay > absl::ZeroDuration() && delay < window, "learning.prior_mean_delay", delay,
                  "more than 0 and less than learning.attribution_window");
  const absl::Duration period = ToAbslDuration(learning.ingest_period());
  problems.Unless(period >= absl::Seconds(1), "learning.ingest_period", period, "at least 1 s");
  const absl::Duration skew = ToAbslDuration(learning.clock_skew_tolerance());
  problems.Unless(skew >= absl::ZeroDuration() && skew <= absl::Hours(24), "learning.clock_skew_tolerance", skew,
                  "0 to 24 hours");
}

void CheckStrata(const config::v1::DelayStrata& strata, Problems& problems) {
  const int classes = strata.values_size() + strata.bounds_size();
  if (classes == 0 && strata.attribute().empty()) return;
  problems.Unless(!strata.attribute().empty(), "learning.delay_strata.attribute", "''", "a recommendation attribute");
  problems.Unless((strata.values_size() > 0) != (strata.bounds_size() > 0), "learning.delay_strata",
                  absl::StrCat(strata.values_size(), " values and ", strata.bounds_size(), " bounds"),
                  "one kind of them");
  problems.Unless(strata.values_size() <= 32, "learning.delay_strata.values", strata.values_size(), "at most 32");
  problems.Unless(strata.bounds_size() <= 31, "learning.delay_strata.bounds", strata.bounds_size(), "at most 31");
  std::set<std::string> seen = {"other", "all", ""};
  for (const std::string& value : strata.values()) {
    problems.Unless(seen.insert(value).second, "learning.delay_strata.values", Quoted(value),
                    "values that differ, none of them empty, 'other' or 'all'");
  }
  for (int i = 0; i < strata.bounds_size(); ++i) {
    problems.Unless(std::isfinite(strata.bounds(i)) && (i == 0 || strata.bounds(i) > strata.bounds(i - 1)),
                    absl::StrCat("learning.delay_strata.bounds[", i, "]"), strata.bounds(i), "finite, ascending");
  }
}

void CheckEsDfm(const config::v1::Learning& learning, Problems& problems) {
  const config::v1::EsDfm& es_dfm = learning.es_dfm();
  const absl::Duration refresh = ToAbslDuration(es_dfm.refresh_period());
  problems.Unless(refresh > absl::ZeroDuration(), "learning.es_dfm.refresh_period", refresh, "more than 0");
  problems.Unless(Positive(es_dfm.ridge()), "learning.es_dfm.ridge", es_dfm.ridge(), "a finite number above 0");
  problems.Unless(Within(es_dfm.max_rows(), 100, 1'000'000), "learning.es_dfm.max_rows", es_dfm.max_rows(),
                  "100 to 1000000");
}

void CheckLearning(const config::v1::Learning& learning, Problems& problems) {
  CheckWindows(learning, problems);
  CheckStrata(learning.delay_strata(), problems);
  CheckEsDfm(learning, problems);
  problems.Unless(config::v1::Learning::DelayMode_IsValid(learning.delay_mode()), "learning.delay_mode",
                  static_cast<int>(learning.delay_mode()), "one of the names of Learning.DelayMode in config.proto");
  const absl::Duration outage = ToAbslDuration(learning.outage_after());
  problems.Unless(outage >= ToAbslDuration(learning.ingest_period()), "learning.outage_after", outage,
                  "at least learning.ingest_period");
  problems.Unless(learning.discount_per_day() > 0 && learning.discount_per_day() <= 1, "learning.discount_per_day",
                  learning.discount_per_day(), "more than 0, at most 1");
  problems.Unless(Positive(learning.prior_delay_strength()), "learning.prior_delay_strength",
                  learning.prior_delay_strength(), "a finite number above 0");
  problems.Unless(std::isfinite(learning.ridge()) && learning.ridge() >= 0, "learning.ridge", learning.ridge(),
                  "0 (chosen by evidence) or a finite number above 0");
  problems.Unless(Positive(learning.intercept_ridge()), "learning.intercept_ridge", learning.intercept_ridge(),
                  "a finite number above 0");
  problems.Unless(Within(learning.base_rate(), 0, 1), "learning.base_rate", learning.base_rate(), "0 to 1");
  problems.Unless(std::isfinite(learning.noise_variance()) && learning.noise_variance() >= 0, "learning.noise_variance",
                  learning.noise_variance(), "0 (inferred) or a finite number above 0");
  problems.Unless(std::isfinite(learning.noise_alpha()) && learning.noise_alpha() > 1, "learning.noise_alpha",
                  learning.noise_alpha(), "a finite number above 1");
  problems.Unless(std::isfinite(learning.noise_beta()) && learning.noise_beta() >= 0, "learning.noise_beta",
                  learning.noise_beta(), "0 (derived from the base rate) or a finite number above 0");
  problems.Unless(Within(learning.chunk_rows(), 1, 1'000'000), "learning.chunk_rows", learning.chunk_rows(),
                  "1 to 1000000");
  problems.Unless(learning.max_set_aside_share() > 0 && learning.max_set_aside_share() <= 1,
                  "learning.max_set_aside_share", learning.max_set_aside_share(), "above 0, at most 1");
  problems.Unless(learning.max_vanished_share() > 0 && learning.max_vanished_share() <= 1,
                  "learning.max_vanished_share", learning.max_vanished_share(), "above 0, at most 1");
}

void CheckChoice(const config::v1::Choice& choice, Problems& problems) {
  if (choice.policy() == v1::EXPERT || !v1::Policy_IsValid(choice.policy())) {
    problems.Unless(false, "choice.policy", v1::Policy_Name(choice.policy()), "a policy that suggestd can run");
  }
  problems.Unless(Positive(choice.exploration_scale()) && choice.exploration_scale() <= 100, "choice.exploration_scale",
                  choice.exploration_scale(), "more than 0, at most 100");
  problems.Unless(Within(choice.exploration_floor(), 0, 1), "choice.exploration_floor", choice.exploration_floor(),
                  "0 to 1");
  problems.Unless(!choice.floor_off() || choice.exploration_floor() == 0, "choice.exploration_floor",
                  choice.exploration_floor(), "0 beside floor_off: true");
  problems.Unless(Within(choice.propensity_draws(), 64, 16384), "choice.propensity_draws", choice.propensity_draws(),
                  "64 to 16384");
  const absl::Duration time = ToAbslDuration(choice.propensity_time());
  problems.Unless(time >= absl::ZeroDuration() && time <= absl::Minutes(1), "choice.propensity_time", time,
                  "0 (all deferred) to 1 minute");
  const absl::Duration sticky = ToAbslDuration(choice.sticky_for());
  problems.Unless(sticky >= absl::ZeroDuration() && sticky <= absl::Hours(31 * 24), "choice.sticky_for", sticky,
                  "0 to 31 days");
  const absl::Duration age = ToAbslDuration(choice.model_max_age());
  problems.Unless(age >= absl::ZeroDuration(), "choice.model_max_age", age, "0 (never) or more");
  problems.Unless(choice.fallback_policy() == v1::POPULAR || choice.fallback_policy() == v1::UNIFORM,
                  "choice.fallback_policy", v1::Policy_Name(choice.fallback_policy()), "POPULAR or UNIFORM");
}

void CheckMoney(const config::v1::Money& money, Problems& problems) {
  problems.Unless(IsCurrency(money.currency()), "money.currency", Quoted(money.currency()),
                  "three capital letters (ISO 4217)");
  problems.Unless(Positive(money.reward_cap()), "money.reward_cap", money.reward_cap(), "a finite amount above 0");
  for (const auto& [currency, rate] : money.conversion()) {
    const std::string field = absl::StrCat("money.conversion[", Quoted(currency), "]");
    if (!IsCurrency(currency)) problems.Add(absl::StrCat(field, " names no currency (ISO 4217)"));
    if (currency == money.currency()) problems.Add(absl::StrCat(field, " is money.currency itself"));
    problems.Unless(Positive(rate), field, rate, "a finite rate above 0");
  }
}

void CheckSource(const config::v1::Source& source, Problems& problems) {
  absl::TimeZone zone;
  problems.Unless(source.time_zone().empty() || absl::LoadTimeZone(source.time_zone(), &zone), "source.time_zone",
                  Quoted(source.time_zone()), "an IANA name such as 'Europe/Berlin'");
}

}  // namespace

absl::Status ValidateConfig(const config::v1::Config& config) {
  Problems problems;
  CheckServer(config.server(), problems);
  CheckDatabase(config.database(), problems);
  if (absl::Status schema = features::ValidateSchema(config.features()); !schema.ok()) {
    problems.Add(schema.message());
  }
  CheckLearning(config.learning(), problems);
  CheckChoice(config.choice(), problems);
  CheckMoney(config.money(), problems);
  CheckSource(config.source(), problems);
  return problems.status();
}

}  // namespace suggest
