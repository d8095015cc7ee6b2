// SPDX-License-Identifier: MIT
// The one exception of the native side. addon/ turns it into {code, message, atom, details}; nothing else crosses the boundary.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace ionclay {

struct Error : std::exception {
  std::string code;
  std::string message;
  // 0-based, user's order; -1 = no atom to name.
  std::int64_t atom = -1;
  std::vector<std::pair<std::string, double>> details;

  Error(std::string code, std::string message, std::int64_t atom = -1, std::vector<std::pair<std::string, double>> details = {})
      : code(std::move(code)), message(std::move(message)), atom(atom), details(std::move(details)) {}
  const char* what() const noexcept override { return message.c_str(); }
};

}  // namespace ionclay
