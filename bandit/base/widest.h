// SUGGEST_WIDEST before a function: copies of it for wider vectors, of which the machine's widest is taken at load
// time. The thread sanitizer instruments the function that chooses, which runs before it is ready: its build has one
// copy.
#ifndef BANDIT_BASE_WIDEST_H_
#define BANDIT_BASE_WIDEST_H_

#ifdef SUGGEST_ONE_WIDTH
#define SUGGEST_WIDEST
#else
#define SUGGEST_WIDEST __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif

#endif  // BANDIT_BASE_WIDEST_H_
