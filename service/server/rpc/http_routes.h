// What HTTP answers, apart from how it listens:
//
//   GET  /metrics             Prometheus' text format
//   GET  /healthz             200 while the process lives
//   GET  /readyz              200 when Suggest can be answered, else 503 with the reason
//   POST /v1/suggest          SuggestionService.Suggest
//   POST /v1/suggest_batch    SuggestionService.SuggestBatch: one line of JSON per item
//   POST /v1/feedback         SuggestionService.RecordFeedback
//   POST /v1/decisions        SuggestionService.RecordDecision
//   POST /v1/explain          SuggestionService.Explain
//   POST /v1/ingest           LearningService.IngestRewards
//   GET  /v1/models           LearningService.ListModels (?limit=N)
//   GET  /v1/models/{version} LearningService.GetModel (0 or "current": the current one)
//
// Threads: any.
#ifndef SERVICE_SERVER_RPC_HTTP_ROUTES_H_
#define SERVICE_SERVER_RPC_HTTP_ROUTES_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "service/server/readiness.h"
#include "service/server/rpc/endpoints.h"
#include "service/server/rpc/json_rpc.h"

namespace suggest::server {

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // without query
  std::string query;   // without '?'
  std::string body;
};

class HttpRoutes {
 public:
  // `refresh` brings gauges that are measured, not counted, up to date before a scrape. All must outlive it.
  HttpRoutes(Endpoints* endpoints, const Readiness* readiness, const Metrics* metrics, std::function<void()> refresh)
      : endpoints_(endpoints), readiness_(readiness), metrics_(metrics), refresh_(std::move(refresh)) {}

  // Unknown paths are 404, other verbs than the route's 405.
  HttpReply Answer(const HttpRequest& request) const;

 private:
  HttpReply Get(const HttpRequest& request) const;
  HttpReply Post(const HttpRequest& request) const;
  HttpReply SuggestBatch(const HttpRequest& request) const;
  HttpReply ListModels(const HttpRequest& request) const;
  HttpReply GetModel(absl::string_view version) const;

  Endpoints* const endpoints_;
  const Readiness* const readiness_;
  const Metrics* const metrics_;
  const std::function<void()> refresh_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_HTTP_ROUTES_H_
