#include "service/common/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace suggest {

void HoldStandardStreams() {
  constexpr struct {
    int descriptor;
    const char* path;
    int mode;
  } kStreams[] = {{STDIN_FILENO, "/dev/null", O_RDONLY},
                  {STDOUT_FILENO, "/dev/full", O_WRONLY},
                  {STDERR_FILENO, "/dev/null", O_WRONLY}};
  for (const auto& stream : kStreams) {
    if (fcntl(stream.descriptor, F_GETFD) != -1) continue;
    const int opened = open(stream.path, stream.mode);
    if (opened == -1 || opened == stream.descriptor) continue;
    dup2(opened, stream.descriptor);
    close(opened);
  }
}

}  // namespace suggest
