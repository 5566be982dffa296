// What HTTP answers, apart from how it listens:
//
//   GET  /metrics  Prometheus' text format
//   GET  /healthz  200 while the process lives
//   GET  /readyz   200 when Suggest can be answered, else 503 with the reason
//
// and the methods of methods.h, each by its verb at its path: POST with the request as JSON; GET /v1/models (?limit=N);
// GET /v1/models/{version} (0 or "current": the current one). SuggestBatch answers one line of JSON per item. HEAD is
// answered as GET, OPTIONS with the Allow field.
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

class HttpRoutes {
 public:
  // `refresh` brings gauges that are measured, not counted, up to date before a scrape. All must outlive it.
  HttpRoutes(Endpoints* endpoints, const Readiness* readiness, const Metrics* metrics, std::function<void()> refresh)
      : endpoints_(endpoints), readiness_(readiness), metrics_(metrics), refresh_(std::move(refresh)) {}

  // Unknown paths are 404, other verbs than the route's 405.
  HttpReply Answer(const HttpRequest& request) const;

  // Of paths that must be answered however busy the methods are.
  static bool IsProbe(absl::string_view path);
  // What server.ops_address answers: probes alone, NOT_FOUND for other paths.
  HttpReply AnswerProbe(const HttpRequest& request) const;

 private:
  HttpReply Probe(const HttpRequest& request) const;

  Endpoints* const endpoints_;
  const Readiness* const readiness_;
  const Metrics* const metrics_;
  const std::function<void()> refresh_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_HTTP_ROUTES_H_
