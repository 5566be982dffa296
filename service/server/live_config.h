// The configuration in force. Readers take a whole, consistent one; a reload swaps in another.
//
// Threads: any number of readers beside one reloader.
#ifndef SERVICE_SERVER_LIVE_CONFIG_H_
#define SERVICE_SERVER_LIVE_CONFIG_H_

#include <memory>
#include <utility>

#include "bandit/base/mutex.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::server {

class LiveConfig {
 public:
  // REQUIRES: `config` is complete and valid (service/common/config.h).
  explicit LiveConfig(config::v1::Config config)
      : config_(std::make_shared<const config::v1::Config>(std::move(config))) {}

  std::shared_ptr<const config::v1::Config> Get() const {
    ReaderLock lock(mutex_);
    return config_;
  }

  void Set(config::v1::Config config) {
    auto next = std::make_shared<const config::v1::Config>(std::move(config));
    MutexLock lock(mutex_);
    config_.swap(next);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const config::v1::Config> config_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_LIVE_CONFIG_H_
