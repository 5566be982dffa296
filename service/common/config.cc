#include "service/common/config.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "service/common/config_text.h"
#include "service/common/connection_string.h"

namespace suggest {
namespace {

using config::v1::Config;

class ParseErrors : public google::protobuf::io::ErrorCollector {
 public:
  explicit ParseErrors(absl::string_view name) : name_(name) {}

  void AddError(int line, int column, const std::string& message) override {
    errors_.push_back(absl::StrCat(name_, ":", line + 1, ":", column + 1, ": ", message));
  }

  std::string Joined() const { return absl::StrJoin(errors_, "; "); }

 private:
  std::string name_;
  std::vector<std::string> errors_;
};

void Default(absl::Duration value, google::protobuf::Duration* field) {
  *field = ToProtoDuration(value);
}

void SetServerDefaults(config::v1::Server* server) {
  if (server->grpc_address().empty()) server->set_grpc_address("127.0.0.1:7070");
  if (server->http_address().empty()) server->set_http_address("127.0.0.1:7080");
  if (!server->has_drain_timeout()) Default(absl::Seconds(10), server->mutable_drain_timeout());
  if (server->max_concurrent_requests() == 0) server->set_max_concurrent_requests(256);
  if (server->max_request_bytes() == 0) server->set_max_request_bytes(4 << 20);
  server->mutable_method_limits()->insert({"SuggestBatch", 2});  // unless it is set
  if (server->batch_in_flight() == 0) server->set_batch_in_flight(16);
  if (server->max_response_bytes() == 0) server->set_max_response_bytes(4 << 20);
  if (!server->has_keepalive_time()) Default(absl::Minutes(1), server->mutable_keepalive_time());
  if (!server->has_keepalive_timeout()) Default(absl::Seconds(20), server->mutable_keepalive_timeout());
  if (server->max_transport_bytes() == 0) server->set_max_transport_bytes(int64_t{512} << 20);
}

constexpr absl::Duration kLingerUnawaited = absl::Milliseconds(10);

void SetCommitDefaults(config::v1::Commit* commit) {
  using config::v1::Commit;
  if (commit->durability() == Commit::DURABILITY_UNSPECIFIED) commit->set_durability(Commit::SYNC);
  if (commit->writers() == 0) commit->set_writers(2);
  if (commit->max_batch() == 0) commit->set_max_batch(128);
  if (!commit->has_linger()) {
    const bool somebody_waits = commit->durability() == Commit::SYNC;
    Default(somebody_waits ? absl::ZeroDuration() : kLingerUnawaited, commit->mutable_linger());
  }
  if (commit->queue_length() == 0) commit->set_queue_length(8192);
}

void SetCacheDefaults(config::v1::CustomerCache* cache) {
  using config::v1::CustomerCache;
  if (!cache->has_max_entries()) cache->set_max_entries(100'000);
  if (cache->max_bytes() == 0) cache->set_max_bytes(int64_t{256} << 20);
  if (cache->change_detection() == CustomerCache::CHANGE_DETECTION_UNSPECIFIED) {
    cache->set_change_detection(CustomerCache::AUTO);
  }
  if (!cache->has_max_age()) Default(absl::Milliseconds(500), cache->mutable_max_age());
}

void SetDatabaseDefaults(config::v1::Database* database) {
  if (database->pool_size() == 0) database->set_pool_size(8);
  if (!database->has_statement_timeout()) Default(absl::Seconds(30), database->mutable_statement_timeout());
  if (!database->has_model_poll()) Default(absl::Milliseconds(500), database->mutable_model_poll());
  if (!database->has_catalogue_poll()) Default(absl::Seconds(1), database->mutable_catalogue_poll());
  if (database->spool_max_bytes() == 0) database->set_spool_max_bytes(int64_t{1} << 30);
  SetCommitDefaults(database->mutable_commit());
  SetCacheDefaults(database->mutable_customer_cache());
  if (!database->has_hold_for()) Default(absl::Seconds(5), database->mutable_hold_for());
  if (database->max_held_requests() == 0) database->set_max_held_requests(128);
}

void SetEsDfmDefaults(absl::Duration window, config::v1::EsDfm* es_dfm) {
  if (!es_dfm->has_waiting_time()) Default(window / 12, es_dfm->mutable_waiting_time());
  if (!es_dfm->has_refresh_period()) Default(absl::Hours(24), es_dfm->mutable_refresh_period());
  if (es_dfm->ridge() == 0) es_dfm->set_ridge(2);
  if (es_dfm->max_rows() == 0) es_dfm->set_max_rows(20'000);
}

void SetLearningDefaults(config::v1::Learning* learning) {
  using config::v1::Learning;
  constexpr absl::Duration kDay = absl::Hours(24);
  if (learning->exposure_event() == Learning::EXPOSURE_EVENT_UNSPECIFIED) learning->set_exposure_event(Learning::KEPT);
  if (!learning->has_attribution_window()) Default(70 * kDay, learning->mutable_attribution_window());
  if (!learning->has_grace()) Default(kDay, learning->mutable_grace());
  if (!learning->has_learning_window()) Default(365 * kDay, learning->mutable_learning_window());
  if (learning->discount_per_day() == 0) learning->set_discount_per_day(1);
  if (learning->delay_mode() == Learning::DELAY_MODE_UNSPECIFIED) learning->set_delay_mode(Learning::EXPOSURE);
  if (!learning->has_prior_mean_delay()) {
    Default(ToAbslDuration(learning->attribution_window()) / 4, learning->mutable_prior_mean_delay());
  }
  if (learning->prior_delay_strength() == 0) learning->set_prior_delay_strength(100);
  if (learning->ridge() == 0) learning->set_ridge(1);
  if (learning->intercept_ridge() == 0) learning->set_intercept_ridge(0.01);
  if (learning->noise_alpha() == 0) learning->set_noise_alpha(6);
  if (learning->noise_beta() == 0 && learning->base_rate() > 0) {
    learning->set_noise_beta((learning->noise_alpha() - 1) * learning->base_rate() * (1 - learning->base_rate()));
  }
  if (!learning->has_ingest_period()) Default(kDay, learning->mutable_ingest_period());
  if (!learning->has_visibility_lag()) Default(absl::ZeroDuration(), learning->mutable_visibility_lag());
  if (learning->chunk_rows() == 0) learning->set_chunk_rows(20'000);
  if (!learning->has_clock_skew_tolerance()) Default(absl::Minutes(5), learning->mutable_clock_skew_tolerance());
  if (!learning->has_outage_after()) {
    Default(4 * ToAbslDuration(learning->ingest_period()), learning->mutable_outage_after());
  }
  SetEsDfmDefaults(ToAbslDuration(learning->attribution_window()), learning->mutable_es_dfm());
}

void SetChoiceDefaults(config::v1::Choice* choice) {
  if (choice->policy() == v1::POLICY_UNSPECIFIED) choice->set_policy(v1::THOMPSON);
  if (choice->exploration_scale() == 0) choice->set_exploration_scale(0.5);
  if (choice->exploration_floor() == 0 && !choice->floor_off()) choice->set_exploration_floor(0.02);
  if (choice->propensity_draws() == 0) choice->set_propensity_draws(64);
  if (!choice->has_propensity_time()) Default(absl::Milliseconds(5), choice->mutable_propensity_time());
  if (!choice->has_sticky_for()) Default(absl::Minutes(30), choice->mutable_sticky_for());
  if (!choice->has_model_max_age()) Default(absl::Hours(7 * 24), choice->mutable_model_max_age());
  if (choice->fallback_policy() == v1::POLICY_UNSPECIFIED) choice->set_fallback_policy(v1::POPULAR);
}

template <typename Message>
void NoteIfDifferent(const char* part, const Message& a, const Message& b, std::vector<std::string>* ignored) {
  if (!google::protobuf::util::MessageDifferencer::Equals(a, b)) ignored->push_back(part);
}

}  // namespace

absl::Duration ToAbslDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration ToProtoDuration(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

Config WithDefaults(Config config) {
  SetServerDefaults(config.mutable_server());
  SetDatabaseDefaults(config.mutable_database());
  SetLearningDefaults(config.mutable_learning());
  SetChoiceDefaults(config.mutable_choice());
  return config;
}

absl::StatusOr<Config> ParseConfig(absl::string_view text, absl::string_view name) {
  Config config;
  ParseErrors errors(name);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  ASSIGN_OR_RETURN(const std::string plain, ToTextFormat(text, name, Config::descriptor()));
  google::protobuf::io::ArrayInputStream stream(plain.data(), static_cast<int>(plain.size()));
  if (!parser.Parse(&stream, &config)) return absl::InvalidArgumentError(errors.Joined());
  config = WithDefaults(std::move(config));
  if (absl::Status status = ValidateConfig(config); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
  }
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  const auto unreadable = [&](absl::string_view why) {
    return absl::NotFoundError(absl::StrCat("configuration ", path, " cannot be read: ", why));
  };
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return unreadable(std::strerror(errno));
  // A pipe or a device could hold a reload up for ever.
  if (!S_ISREG(status.st_mode)) return unreadable("it is no regular file");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file) return unreadable(std::strerror(errno));
  if (file.peek() == std::ifstream::traits_type::eof()) {
    return absl::InvalidArgumentError(absl::StrCat("configuration ", path, " is empty"));
  }
  if (!(text << file.rdbuf())) return unreadable(std::strerror(errno));
  return ParseConfig(text.str(), path);
}

Config ApplyLiveFields(const Config& running, const Config& next, std::vector<std::string>* ignored) {
  Config merged = running;
  *merged.mutable_server()->mutable_drain_timeout() = next.server().drain_timeout();
  const int draws = running.choice().propensity_draws();
  *merged.mutable_choice() = next.choice();
  merged.mutable_choice()->set_propensity_draws(draws);
  NoteIfDifferent("server", merged.server(), next.server(), ignored);
  NoteIfDifferent("database", merged.database(), next.database(), ignored);
  NoteIfDifferent("features", merged.features(), next.features(), ignored);
  NoteIfDifferent("learning", merged.learning(), next.learning(), ignored);
  NoteIfDifferent("choice.propensity_draws", merged.choice(), next.choice(), ignored);
  NoteIfDifferent("money", merged.money(), next.money(), ignored);
  NoteIfDifferent("source", merged.source(), next.source(), ignored);
  return merged;
}

std::string PrintConfig(const Config& config) {
  Config shown = config;
  if (!shown.database().connection().empty()) {
    shown.mutable_database()->set_connection(MaskPassword(shown.database().connection()));
  }
  std::string text;
  google::protobuf::TextFormat::PrintToString(shown, &text);
  return text;
}

}  // namespace suggest
