// The table of methods: a row for each RPC of suggest.v1. Metrics' labels, the configuration's method_limits, the log's
// names and the HTTP routes follow from it; a test walks the services' descriptors and fails for an RPC without a row.
//
// An RPC is added by its proto, a row here, a function of Endpoints with its handler, a line in http_routes.cc and
// grpc_server.cc that calls it, and a command (docs/architecture.md, "Adding an RPC").
#ifndef SERVICE_SERVER_RPC_METHODS_H_
#define SERVICE_SERVER_RPC_METHODS_H_

#include <array>

namespace suggest::server {

enum class Method {
  kSuggest,
  kRecordFeedback,
  kRecordDecision,
  kExplain,
  kIngestRewards,
  kListModels,
  kGetModel,
  kSuggestBatch
};
inline constexpr int kMethods = 8;

// What a caller must be allowed. Callers have no identity yet, so everybody has every role.
enum class Role { kSuggest, kFeedback, kRead, kOperate };

struct MethodRow {
  Method method;
  const char* service;  // of suggest.v1
  const char* name;     // of the RPC
  const char* verb;     // of HTTP
  const char* path;     // of HTTP; one that ends in '/' takes a value behind it
  Role role;
  bool streaming;  // many answers to one request
  bool slow;       // takes seconds to hours, not milliseconds: its durations are counted in other buckets
};

// In the order of Method.
inline constexpr std::array<MethodRow, kMethods> kMethodTable = {{
    {Method::kSuggest, "SuggestionService", "Suggest", "POST", "/v1/suggest", Role::kSuggest, false, false},
    {Method::kRecordFeedback, "SuggestionService", "RecordFeedback", "POST", "/v1/feedback", Role::kFeedback, false,
     false},
    {Method::kRecordDecision, "SuggestionService", "RecordDecision", "POST", "/v1/decisions", Role::kSuggest, false,
     false},
    {Method::kExplain, "SuggestionService", "Explain", "POST", "/v1/explain", Role::kRead, false, false},
    {Method::kIngestRewards, "LearningService", "IngestRewards", "POST", "/v1/ingest", Role::kOperate, false, true},
    {Method::kListModels, "LearningService", "ListModels", "GET", "/v1/models", Role::kRead, false, false},
    {Method::kGetModel, "LearningService", "GetModel", "GET", "/v1/models/", Role::kRead, false, false},
    {Method::kSuggestBatch, "SuggestionService", "SuggestBatch", "POST", "/v1/suggest_batch", Role::kSuggest, true,
     true},
}};

constexpr const MethodRow& MethodRowOf(Method method) {
  return kMethodTable[static_cast<int>(method)];
}
constexpr const char* MethodName(Method method) {
  return MethodRowOf(method).name;
}

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_METHODS_H_
