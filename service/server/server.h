// suggestd without its command line: the database, both transports, the background work, and their life cycle.
//
// Start listens at once, also while PostgreSQL is away: the server is then not ready, says why, and keeps trying. Drain
// ends it gracefully: not ready and NOT_SERVING first, then no new calls, then those in flight up to drain_timeout.
//
// Threads: Start, Reload and Drain from one thread; Ready and the ports from any.
#ifndef SERVICE_SERVER_SERVER_H_
#define SERVICE_SERVER_SERVER_H_

#include <cstdio>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/common/clock.h"
#include "service/server/commit/decision_sink.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::server {

struct ServerOptions {
  config::v1::Config config;       // complete and valid
  const Clock* clock = nullptr;    // must outlive the server
  std::FILE* log_stream = stderr;  // the same
  // Where decisions go instead of the decision log: for benchmarks. Must outlive the server.
  DecisionSink* decision_sink = nullptr;
};

class Server {
 public:
  // Errors: INVALID_ARGUMENT for a connection string that does not parse; FAILED_PRECONDITION naming the address that
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);
  virtual ~Server() = default;

  virtual int grpc_port() const = 0;
  virtual int http_port() const = 0;
  // 0: there is no listener of its own for probes.
  virtual int ops_port() const = 0;
  // OK when Suggest can be answered, else UNAVAILABLE with the reason.
  virtual absl::Status Ready() const = 0;

  // Takes over the Live fields of a complete and valid configuration; logs what would need a restart.
  virtual void Reload(const config::v1::Config& next) = 0;
  // A reload that failed: the old configuration stays, log and metric say so.
  virtual void RefuseReload(const absl::Status& why) = 0;

  // Idempotent; the destructor calls it too.
  virtual void Drain() = 0;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_SERVER_H_
