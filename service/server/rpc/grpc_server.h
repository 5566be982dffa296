// gRPC: both services of suggest.v1, the standard health service and server reflection.
//
// Suggest is answered by callback: on the few threads that carry the network's events as long as nothing blocks, on a
// worker where something does, on the committer's after a commit. The other methods have one thread per call in flight
// (synchronous API), bounded by the call gate and, above it, by the resource quota.
// SO_REUSEPORT is off: a second server on the same port fails at start instead of stealing half of the calls.
#ifndef SERVICE_SERVER_RPC_GRPC_SERVER_H_
#define SERVICE_SERVER_RPC_GRPC_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/server/rpc/endpoints.h"
#include "suggest/config/v1/config.pb.h"

namespace grpc {
class ServerBuilder;
}

namespace suggest::server {

// Everything that decides what a call costs before and after the handler: threads and sizes. All of suggestd's gRPC
// settings but the address and the services; the benchmark's floor is built with the same ones.
void ConfigureServer(const config::v1::Server& config, grpc::ServerBuilder* builder);

class GrpcServer {
 public:
  // `endpoints` must outlive it. Errors: FAILED_PRECONDITION naming the address when it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const config::v1::Server& config, Endpoints* endpoints);
  virtual ~GrpcServer() = default;

  // The port listened on, also when the configuration said 0.
  virtual int port() const = 0;
  // What the health service says of the whole server and of each service. Any thread; without effect after Shutdown.
  virtual void SetServing(bool serving) = 0;
  // Takes no new calls, waits for those in flight up to `timeout`, then cancels them. Returns when all have ended.
  // Idempotent.
  virtual void Shutdown(absl::Duration timeout) = 0;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RPC_GRPC_SERVER_H_
