#include "service/server/rpc/http_routes.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace suggest::server {
namespace {

constexpr absl::string_view kGetPaths[] = {"/metrics", "/healthz", "/readyz", "/v1/models"};
constexpr absl::string_view kPostPaths[] = {"/v1/suggest",   "/v1/suggest_batch", "/v1/feedback",
                                            "/v1/decisions", "/v1/explain",       "/v1/ingest"};
constexpr absl::string_view kModelPrefix = "/v1/models/";

template <typename Paths>
bool Contains(const Paths& paths, absl::string_view path) {
  for (const absl::string_view known : paths) {
    if (known == path) return true;
  }
  return false;
}

HttpReply Text(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body), {}};
}

HttpReply WrongVerb(const HttpRequest& request, absl::string_view expected) {
  HttpReply reply =
      ErrorReply(absl::UnimplementedError(absl::StrCat(request.method, " ", request.path, ": expected ", expected)));
  reply.status = 405;
  return reply;
}

}  // namespace

HttpReply HttpRoutes::Answer(const HttpRequest& request) const {
  if (Contains(kGetPaths, request.path) ||
      absl::string_view(request.path).substr(0, kModelPrefix.size()) == kModelPrefix) {
    return request.method == "GET" ? Get(request) : WrongVerb(request, "GET");
  }
  if (Contains(kPostPaths, request.path)) return request.method == "POST" ? Post(request) : WrongVerb(request, "POST");
  return ErrorReply(absl::NotFoundError(absl::StrCat("no such path: ", request.path)));
}

HttpReply HttpRoutes::Get(const HttpRequest& request) const {
  if (request.path == "/metrics") {
    refresh_();
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_->Text(), {}};
  }
  if (request.path == "/healthz") return Text(200, "alive\n");
  if (request.path == "/readyz") {
    const absl::Status ready = ForCaller(readiness_->Check());
    if (!ready.ok()) return Text(503, absl::StrCat(ready.message(), "\n"));
    const std::string note = readiness_->Note();
    return Text(200, note.empty() ? "ready\n" : absl::StrCat("ready; ", note, "\n"));
  }
  if (request.path == "/v1/models") return ListModels(request);
  return GetModel(absl::StripPrefix(request.path, kModelPrefix));
}

HttpReply HttpRoutes::Post(const HttpRequest& request) const {
  // The caller's patience is not known over HTTP; the database's statement timeout bounds the work.
  const CallContext context;
  if (request.path == "/v1/suggest") {
    return AnswerJson<v1::SuggestRequest>(request.body, [&](const auto& r) { return endpoints_->Suggest(r, context); });
  }
  if (request.path == "/v1/suggest_batch") return SuggestBatch(request);
  if (request.path == "/v1/feedback") {
    return AnswerJson<v1::RecordFeedbackRequest>(request.body,
                                                 [&](const auto& r) { return endpoints_->RecordFeedback(r, context); });
  }
  if (request.path == "/v1/decisions") {
    return AnswerJson<v1::RecordDecisionRequest>(request.body,
                                                 [&](const auto& r) { return endpoints_->RecordDecision(r, context); });
  }
  if (request.path == "/v1/explain") {
    return AnswerJson<v1::ExplainRequest>(request.body, [&](const auto& r) { return endpoints_->Explain(r, context); });
  }
  return AnswerJson<v1::IngestRewardsRequest>(request.body,
                                              [&](const auto& r) { return endpoints_->IngestRewards(r, context); });
}

HttpReply HttpRoutes::SuggestBatch(const HttpRequest& request) const {
  v1::SuggestBatchRequest batch;
  if (const absl::Status parsed = ParseJson(request.body, &batch); !parsed.ok()) return ErrorReply(parsed);
  HttpReply reply;
  reply.content_type = "application/x-ndjson";
  reply.stream = [this, batch](const std::function<bool(const std::string&)>& write) {
    return endpoints_->SuggestBatch(batch, {},
                                    [&](const v1::SuggestBatchItem& item) { return write(JsonReply(item).body); });
  };
  return reply;
}

HttpReply HttpRoutes::ListModels(const HttpRequest& request) const {
  v1::ListModelsRequest list;
  for (const absl::string_view pair : absl::StrSplit(request.query, '&', absl::SkipEmpty())) {
    int32_t limit = 0;
    absl::string_view value = pair;
    if (!absl::ConsumePrefix(&value, "limit=") || !absl::SimpleAtoi(value, &limit)) {
      return ErrorReply(absl::InvalidArgumentError(absl::StrCat("query '", pair, "', expected limit=NUMBER")));
    }
    list.set_limit(limit);
  }
  const auto models = endpoints_->ListModels(list, {});
  return models.ok() ? JsonReply(*models) : ErrorReply(models.status());
}

HttpReply HttpRoutes::GetModel(absl::string_view version) const {
  int64_t number = 0;
  if (version != "current" && !absl::SimpleAtoi(version, &number)) {
    return ErrorReply(
        absl::InvalidArgumentError(absl::StrCat("model version '", version, "' is neither a number nor 'current'")));
  }
  v1::GetModelRequest get;
  get.set_version(number);
  const auto model = endpoints_->GetModel(get, {});
  return model.ok() ? JsonReply(*model) : ErrorReply(model.status());
}

}  // namespace suggest::server
