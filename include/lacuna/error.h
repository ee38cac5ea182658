#pragma once

#include <stdexcept>
#include <string>

namespace lacuna {

/// Something failed at run time (disk full, loss turned NaN). The program exits with status 1.
/// what() is one line: what happened, where (file, offset, key), and what to do about it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller's arguments or input files cannot be used. The program exits with status 2.
class InputError : public Error {
 public:
  using Error::Error;
};

/// A device has too little memory for what was asked of it; less of it may fit.
class MemoryError : public InputError {
 public:
  using InputError::InputError;
};

/// A precondition of the library was violated: a bug in the calling code, named with file and line.
class ContractError : public Error {
 public:
  using Error::Error;
};

namespace detail {
[[noreturn]] void contract_failed(const char* condition, const char* file, int line, const std::string& message);
}  // namespace detail

}  // namespace lacuna

/// Checks a precondition; throws ContractError. `message` is evaluated only on failure.
#define LACUNA_EXPECTS(condition, message)                                                          \
  do {                                                                                              \
    if (!(condition)) ::lacuna::detail::contract_failed(#condition, __FILE__, __LINE__, (message)); \
  } while (false)
