// Standard streams that a caller has closed.
#ifndef SERVICE_COMMON_STANDARD_STREAMS_H_
#define SERVICE_COMMON_STANDARD_STREAMS_H_

namespace suggest {

// Call first in main. A descriptor 0 to 2 that is closed would be given to the next file or socket, and what is printed
// would go there. Closed input reads as empty, what is written to closed standard output fails, and what is written to
// closed standard error is dropped.
void HoldStandardStreams();

}  // namespace suggest

#endif  // SERVICE_COMMON_STANDARD_STREAMS_H_
