// Bounds that hold for everything that comes in, by whichever way.
#ifndef SERVICE_COMMON_LIMITS_H_
#define SERVICE_COMMON_LIMITS_H_

namespace suggest {

// Longest id of a customer, a request, a recommendation or a suggestion, in bytes.
inline constexpr int kMaxIdBytes = 256;

}  // namespace suggest

#endif  // SERVICE_COMMON_LIMITS_H_
