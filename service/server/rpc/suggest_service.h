// SuggestionService with Suggest answered by callback and the other methods by a thread each. What suggestd serves, and
// the benchmark's floor with it: how a call is dispatched costs more than an empty handler.
#ifndef SERVICE_SERVER_RPC_SUGGEST_SERVICE_H_
#define SERVICE_SERVER_RPC_SUGGEST_SERVICE_H_

#include "suggest/v1/suggestion_service.grpc.pb.h"

namespace suggest::server {

using SuggestService = v1::SuggestionService::WithCallbackMethod_Suggest<v1::SuggestionService::Service>;

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_SUGGEST_SERVICE_H_
