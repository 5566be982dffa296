// Examples in documents, so that tests can run them as they stand.
#ifndef TESTS_SUPPORT_DOCUMENT_H_
#define TESTS_SUPPORT_DOCUMENT_H_

#include <string>

namespace suggest::testing {

// The text of the fenced blocks of docs/NAME whose info string is `info` ("sql crm"), in order. Fails the test when
// there is none.
std::string DocumentBlocks(const std::string& name, const std::string& info);

}  // namespace suggest::testing

#endif  // TESTS_SUPPORT_DOCUMENT_H_
