// SPDX-License-Identifier: MIT
// A test without a framework: CHECK counts and prints what failed; main returns how many.
#pragma once

#include <cstdio>

namespace ionclay::test {

inline int failures = 0;
inline int checks = 0;

inline void check(bool ok, const char* what, const char* file, int line) {
  ++checks;
  if (ok) return;
  ++failures;
  std::printf("%s:%d: failed: %s\n", file, line, what);
}

// Exit status of a test program: a program that checked nothing has not passed.
inline int finish(const char* name) {
  std::printf("%s: %d checks, %d failed\n", name, checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}

}  // namespace ionclay::test

#define CHECK(condition) ::ionclay::test::check((condition), #condition, __FILE__, __LINE__)
