// suggestlab: the simulated company and the methods of papers. Everything but the standard streams is in
// service/cli/run.h.
#include "service/cli/run.h"
#include "service/lab/program/commands.h"

int main(int argc, char** argv) {
  return suggest::cli::RunMain(suggest::lab::Suggestlab(), argc, argv);
}
