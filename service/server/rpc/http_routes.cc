#include "service/server/rpc/http_routes.h"

#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace suggest::server {
namespace {

constexpr absl::string_view kProbePaths[] = {"/metrics", "/healthz", "/readyz"};

// A request of a method: what is asked, and the value behind a path that takes one.
struct MethodCall {
  Endpoints* endpoints;
  const HttpRequest& request;
  absl::string_view value;
  CallContext context;
};

template <typename Request, typename Response>
using Endpoint = absl::StatusOr<Response> (Endpoints::*)(const Request&, const CallContext&);

template <typename Request, typename Response>
HttpReply AnswerMethod(const MethodCall& call, Endpoint<Request, Response> endpoint) {
  return AnswerJson<Request>(
      call.request.body, [&](const Request& request) { return (call.endpoints->*endpoint)(request, call.context); });
}

HttpReply SuggestBatch(const MethodCall& call) {
  v1::SuggestBatchRequest batch;
  if (const absl::Status parsed = ParseJson(call.request.body, &batch); !parsed.ok()) return ErrorReply(parsed);
  HttpReply reply;
  reply.content_type = "application/x-ndjson";
  reply.stream = [endpoints = call.endpoints, context = call.context,
                  batch](const std::function<bool(const std::string&)>& write) {
    return endpoints->SuggestBatch(batch, context,
                                   [&](const v1::SuggestBatchItem& item) { return write(JsonReply(item).body); });
  };
  return reply;
}

HttpReply ListModels(const MethodCall& call) {
  v1::ListModelsRequest list;
  for (const absl::string_view pair : absl::StrSplit(call.request.query, '&', absl::SkipEmpty())) {
    int32_t limit = 0;
    absl::string_view value = pair;
    if (!absl::ConsumePrefix(&value, "limit=") || !absl::SimpleAtoi(value, &limit)) {
      return ErrorReply(absl::InvalidArgumentError("the query is expected to be limit=NUMBER"));
    }
    list.set_limit(limit);
  }
  const auto models = call.endpoints->ListModels(list, call.context);
  return models.ok() ? JsonReply(*models) : ErrorReply(models.status());
}

HttpReply GetModel(const MethodCall& call) {
  int64_t number = 0;
  if (call.value != "current" && !absl::SimpleAtoi(call.value, &number)) {
    return ErrorReply(absl::InvalidArgumentError("the model version is expected to be a number or 'current'"));
  }
  v1::GetModelRequest get;
  get.set_version(number);
  const auto model = call.endpoints->GetModel(get, call.context);
  return model.ok() ? JsonReply(*model) : ErrorReply(model.status());
}

HttpReply AnswerMethod(Method method, const MethodCall& call) {
  switch (method) {
    case Method::kSuggest:
      return AnswerMethod<v1::SuggestRequest, v1::SuggestResponse>(call, &Endpoints::Suggest);
    case Method::kSuggestBatch:
      return SuggestBatch(call);
    case Method::kRecordFeedback:
      return AnswerMethod<v1::RecordFeedbackRequest, v1::RecordFeedbackResponse>(call, &Endpoints::RecordFeedback);
    case Method::kRecordDecision:
      return AnswerMethod<v1::RecordDecisionRequest, v1::RecordDecisionResponse>(call, &Endpoints::RecordDecision);
    case Method::kExplain:
      return AnswerMethod<v1::ExplainRequest, v1::ExplainResponse>(call, &Endpoints::Explain);
    case Method::kIngestRewards:
      return AnswerMethod<v1::IngestRewardsRequest, v1::IngestRewardsResponse>(call, &Endpoints::IngestRewards);
    case Method::kListModels:
      return ListModels(call);
    case Method::kGetModel:
      return GetModel(call);
  }
  return ErrorReply(absl::InternalError("a method has no route"));
}

HttpReply Text(int status, std::string body) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(body)};
}

// What takes `verb` alone says so: to OPTIONS as the answer, to other verbs as their error.
std::optional<HttpReply> RefuseVerb(const HttpRequest& request, absl::string_view verb) {
  if (request.method == verb || (verb == "GET" && request.method == "HEAD")) return std::nullopt;
  HttpReply reply;
  if (request.method != "OPTIONS") {
    reply = ErrorReply(absl::UnimplementedError(absl::StrCat("this path takes ", verb)));
  }
  reply.status = request.method == "OPTIONS" ? 204 : 405;
  reply.allow = verb == "GET" ? "GET, HEAD, OPTIONS" : absl::StrCat(verb, ", OPTIONS");
  return reply;
}

// The row whose path it is, and the value behind it.
const MethodRow* FindRow(absl::string_view path, absl::string_view* value) {
  for (const MethodRow& row : kMethodTable) {
    const absl::string_view own = row.path;
    *value = path;
    if (path == own && own.back() != '/') return &row;
    if (own.back() == '/' && absl::ConsumePrefix(value, own) && !value->empty()) return &row;
  }
  return nullptr;
}

}  // namespace

bool HttpRoutes::IsProbe(absl::string_view path) {
  for (const absl::string_view probe : kProbePaths) {
    if (path == probe) return true;
  }
  return false;
}

HttpReply HttpRoutes::AnswerProbe(const HttpRequest& request) const {
  if (!IsProbe(request.path)) {
    return ErrorReply(absl::NotFoundError("server.ops_address answers /metrics, /healthz and /readyz alone"));
  }
  const std::optional<HttpReply> refusal = RefuseVerb(request, "GET");
  return refusal ? *refusal : Probe(request);
}

HttpReply HttpRoutes::Answer(const HttpRequest& request) const {
  if (request.path == "*") return {.status = 204, .allow = "GET, HEAD, POST, OPTIONS"};
  if (IsProbe(request.path)) return AnswerProbe(request);
  absl::string_view value;
  const MethodRow* row = FindRow(request.path, &value);
  if (row == nullptr) return ErrorReply(absl::NotFoundError("there is no such path (docs/clients.md lists them)"));
  if (const std::optional<HttpReply> refusal = RefuseVerb(request, row->verb)) return *refusal;
  // The caller's patience is not known over HTTP; the database's statement timeout bounds the work.
  return AnswerMethod(row->method, {endpoints_, request, value, {.gone = request.gone}});
}

HttpReply HttpRoutes::Probe(const HttpRequest& request) const {
  if (request.path == "/metrics") {
    refresh_();
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_->Text()};
  }
  if (request.path == "/healthz") return Text(200, "alive\n");
  const absl::Status ready = ForCaller(readiness_->Check());
  if (!ready.ok()) return Text(503, absl::StrCat(ready.message(), "\n"));
  const std::string note = readiness_->Note();
  return Text(200, note.empty() ? "ready\n" : absl::StrCat("ready; ", note, "\n"));
}

}  // namespace suggest::server
