// Tells whether bytes are UTF-8, as PostgreSQL will want them.
#ifndef STORAGE_POSTGRES_UTF8_H_
#define STORAGE_POSTGRES_UTF8_H_

#include "absl/strings/string_view.h"

namespace suggest::storage {

// RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
bool IsUtf8(absl::string_view text);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_UTF8_H_
