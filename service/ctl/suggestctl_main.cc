// suggestctl: the operators' command line. Everything but the standard streams is in service/cli/run.h.
#include "service/cli/run.h"
#include "service/ctl/commands.h"

int main(int argc, char** argv) {
  return suggest::cli::RunMain(suggest::ctl::Suggestctl(), argc, argv);
}
